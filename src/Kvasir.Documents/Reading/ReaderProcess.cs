namespace Kvasir.Documents.Reading;

/// <summary>
/// A process that reads documents, one at a time. Parsers are other people's code and their input anybody's: in a process of their own they
/// can be stopped whatever they do, and what they exhaust (time, memory, stack) ends that process only. It is this assembly, started by
/// itself (<see cref="ReaderProgram"/>).
/// </summary>
internal sealed class ReaderProcess : IDisposable
{
    /// <summary>How often time and cancellation are looked at.</summary>
    private const int WatchMilliseconds = 20;

    /// <summary>On a busy machine a reading gets little of the processor: then it may take longer, up to this many times.</summary>
    private const int Patience = 3;

    private readonly Process _process;
    private readonly BinaryWriter _requests;
    private readonly BinaryReader _answers;
    private readonly TimeSpan _leastTime;

    /// <summary>Starts a program that speaks as <see cref="ReaderProgram"/> does.</summary>
    /// <param name="program">The program; its streams are redirected.</param>
    /// <param name="leastTime">The time that a document of up to a megabyte may take; a larger one has that much a megabyte.</param>
    public ReaderProcess(ProcessStartInfo program, TimeSpan leastTime)
    {
        program.RedirectStandardInput = program.RedirectStandardOutput = program.RedirectStandardError = true;
        _process = Process.Start(program)!;
        // What a dying runtime says would fill its pipe.
        _process.BeginErrorReadLine();
        _requests = new BinaryWriter(_process.StandardInput.BaseStream);
        _answers = new BinaryReader(new BufferedStream(_process.StandardOutput.BaseStream));
        _leastTime = leastTime;
    }

    /// <summary>Whether it can read no more.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Starts this assembly's program; null where it cannot be started.</summary>
    public static ReaderProcess? Start() => Program() is { } program ? new ReaderProcess(program, TimeSpan.FromSeconds(10)) : null;

    /// <summary>This assembly's program, else the running one where that has it built in; null where there is neither.</summary>
    public static ProcessStartInfo? Program()
    {
        string library = typeof(ReaderProcess).Assembly.Location;
        string dotnet = Path.GetFullPath(
            "../../../dotnet" + (OperatingSystem.IsWindows() ? ".exe" : ""), RuntimeEnvironment.GetRuntimeDirectory());
        IEnumerable<string> settings = library.Length == 0
            ? [] : Directory.EnumerateFiles(Path.GetDirectoryName(library)!, "*.runtimeconfig.json");
        if (settings.FirstOrDefault() is { } found && File.Exists(dotnet))
            return ReaderProgram.StartInfo(dotnet, "exec", "--runtimeconfig", found, library);

        bool isBuiltIn = AppContext.TryGetSwitch(ReaderProgram.Switch, out bool known) && known;
        return isBuiltIn ? ReaderProgram.StartInfo(Environment.ProcessPath!, ReaderProgram.Verb) : null;
    }

    /// <summary>Reads a document.</summary>
    /// <exception cref="UnreadableDocumentException">It is none, or exceeded a limit; the process may have ended then.</exception>
    public Document Read(string path, byte[] bytes, bool comments, CancellationToken cancellation)
    {
        TimeSpan time = _leastTime * Math.Max(1, bytes.Length / 1e6), worked = Worked();
        long start = Stopwatch.GetTimestamp();
        Task<Document> exchange = Task.Factory.StartNew(
            () => Exchange(path, bytes, comments), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        WaitHandle ended = ((IAsyncResult)exchange).AsyncWaitHandle;
        while (!ended.WaitOne(WatchMilliseconds))
        {
            TimeSpan passed = Stopwatch.GetElapsedTime(start);
            bool late = passed > time && (passed > Patience * time || Worked() - worked > time);
            if (!late && !cancellation.IsCancellationRequested) continue;
            HasEnded = true;
            _process.Kill();
            ended.WaitOne();
            cancellation.ThrowIfCancellationRequested();
            throw new UnreadableDocumentException($"it takes longer than {(int)Math.Round(time.TotalSeconds)} s to read");
        }

        return exchange.GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        _process.Kill();
        _process.Dispose();
    }

    /// <summary>The processor's time that the process has taken; none where it has ended.</summary>
    private TimeSpan Worked()
    {
        try
        {
            return _process.TotalProcessorTime;
        }
        catch (Exception error) when (error is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return TimeSpan.Zero;
        }
    }

    private Document Exchange(string path, byte[] bytes, bool comments)
    {
        try
        {
            _requests.Write(Path.GetFileName(path));
            _requests.Write(comments);
            _requests.Write(bytes.Length);
            _requests.Write(bytes);
            _requests.Flush();
            (ReaderAnswer answer, string text) = ((ReaderAnswer)_answers.ReadByte(), _answers.ReadString());
            if (answer == ReaderAnswer.Document)
            {
                var document = new Document(null, text, _answers.ReadString());
                return document with { Notes = [.. Enumerable.Range(0, _answers.ReadInt32()).Select(_ => _answers.ReadString())] };
            }

            HasEnded = answer == ReaderAnswer.Exhausted;
            throw new UnreadableDocumentException(text);
        }
        catch (Exception error) when (error is IOException or OutOfMemoryException)
        {
            HasEnded = true;
            throw new UnreadableDocumentException("its reader broke off: it is damaged, or made to exhaust memory or stack");
        }
    }
}
