namespace Kvasir.Documents.Reading;

/// <summary>What an answer of a <see cref="ReaderProgram"/> is.</summary>
internal enum ReaderAnswer : byte
{
    /// <summary>The document: its title, text and notes.</summary>
    Document,

    /// <summary>Why it is unreadable.</summary>
    Unreadable,

    /// <summary>The same, and the process ends.</summary>
    Exhausted,
}

/// <summary>
/// The program of a <see cref="ReaderProcess"/>: it reads documents from standard input (name, comments or not, length, bytes), answers on
/// standard output, and ends with its input, that is, with the process that started it, also in the middle of a document. This assembly's
/// own program is that; one that has it built in (published as a single file, natively compiled or with its own runtime) calls
/// <see cref="IsAskedFor"/> first and runs it when asked.
/// </summary>
public static class ReaderProgram
{
    internal const string Verb = "--read-documents", Switch = "Kvasir.Documents.HasReaderProgram";

    /// <summary>What managed memory may come to, and what of it a short document may take: forty times its length besides.</summary>
    private const long MostMemory = 768L << 20, LeastMemory = 192L << 20;

    /// <summary>Ample for the depth that the parsers are held to; only what is used of it takes memory.</summary>
    private const int StackBytes = 64 << 20;

    /// <summary>How it is started: with a heap that cannot grow beyond its limit.</summary>
    internal static ProcessStartInfo StartInfo(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments);
        start.Environment["DOTNET_GCHeapHardLimit"] = MostMemory.ToString("X", CultureInfo.InvariantCulture);
        foreach (string name in (ReadOnlySpan<string>)["gcServer", "gcConcurrent", "TieredPGO"]) start.Environment["DOTNET_" + name] = "0";
        return start;
    }

    /// <summary>
    /// Whether the program was started to <see cref="Run"/>. From then on it is known to answer to that, and documents are read so where
    /// there is no other program.
    /// </summary>
    /// <param name="args">The arguments of the program.</param>
    public static bool IsAskedFor(IReadOnlyList<string> args)
    {
        AppContext.SetSwitch(Switch, true);
        return args is [Verb];
    }

    /// <summary>Reads documents until the input ends; the exit code.</summary>
    public static int Run()
    {
        // A signal from the terminal reaches all processes; the one that started this one decides.
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = true);
        using var requests = new BinaryReader(Console.OpenStandardInput());
        using var answers = new BinaryWriter(new BufferedStream(Console.OpenStandardOutput()));
        Console.SetOut(TextWriter.Null);
        try
        {
            while (true)
            {
                (string name, bool comments, int length) = (requests.ReadString(), requests.ReadBoolean(), requests.ReadInt32());
                byte[] bytes = requests.ReadBytes(length);
                // The next request comes behind the answer only, whose thread may not have ended then; until it comes this one waits for
                // the input's end.
                new Thread(() => { lock (answers) Answer(answers, name, bytes, comments); }, StackBytes) { IsBackground = true }.Start();
            }
        }
        catch (EndOfStreamException)
        {
            return 0;
        }
    }

    private static int Main() => Run();

    private static void Answer(BinaryWriter answers, string name, byte[] bytes, bool comments)
    {
        long memory = Math.Min(MostMemory, LeastMemory + (40L * bytes.Length));
        try
        {
            LimitMemory(memory);
            Document document = DocumentParser.Parse(name, bytes, comments).Single();
            answers.Write((byte)ReaderAnswer.Document);
            answers.Write(document.Title);
            answers.Write(document.Text);
            answers.Write(document.Notes.Count);
            foreach (string note in document.Notes) answers.Write(note);
        }
        catch (UnreadableDocumentException error)
        {
            answers.Write((byte)ReaderAnswer.Unreadable);
            answers.Write(error.Message);
        }
        catch (OutOfMemoryException)
        {
            answers.Write((byte)ReaderAnswer.Exhausted);
            answers.Write($"it takes more than {memory >> 20} MiB of memory to read");
        }

        answers.Flush();
    }

    private static void LimitMemory(long memory)
    {
        AppContext.SetData("GCHeapHardLimit", (ulong)memory);
        try
        {
            GC.RefreshMemoryLimit();
        }
        catch (InvalidOperationException)
        {
            // A larger document before has left more garbage than that.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
            GC.RefreshMemoryLimit();
        }
    }
}
