using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Documents.Tests;

/// <summary>
/// What the process does that <see cref="KillTests"/> kill: everything that writes to a store, over and over, at random. Each line that it
/// prints is out before the next thing begins: <c>begin WORK</c>, <c>end WORK</c>, and what a user may rely on from then on.
/// </summary>
internal sealed class KillWorkload : IProgress<IngestProgress>, IDisposable
{
    public const string Name = "kill-workload";

    /// <summary>Files that are edited and ingested, and files behind them that come from an archive.</summary>
    public const int Files = 10, AllFiles = 13;

    /// <summary>What the names of databases that were migrated end with.</summary>
    public const string Migrated = ".migrated.db";

    private const string NextVersion = """
        CREATE TABLE next (text INTEGER PRIMARY KEY, content TEXT NOT NULL);
        INSERT INTO next SELECT id, content FROM text;
        UPDATE text SET content = '';
        """;

    private readonly string _root;
    private readonly Random _random;
    private readonly TextWriter _out;
    private int _filesDone;

    private KillWorkload(string root, int seed)
    {
        _root = root;
        _random = new Random(seed);
        _out = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
    }

    public static string Corpus(string root) => Path.Combine(root, "corpus");

    public static string Archive(string root) => Path.Combine(root, "archive.kvx");

    public static string FilePath(string root, int file) =>
        Path.Combine(file < Files ? Corpus(root) : Path.Combine(root, "imported"), $"{file}.txt");

    public static string Store(string root) => Path.Combine(root, "store");

    public static KvPolicy[] Policies { get; } = [KvPolicy.Default, KvPolicy.Parse("k=kivi4,v=kivi4")];

    /// <summary>The whole content of a version of a file, which begins with both.</summary>
    public static string Content(int file, int version)
    {
        var random = new Random((file * 1000) + version);
        string words = string.Join(' ', Enumerable.Range(0, random.Next(5, 120)).Select(_ => $"w{random.Next(1000)}"));
        return string.Create(CultureInfo.InvariantCulture, $"file {file} version {version} {words}");
    }

    public static DocumentLibrary Open(string root, Model model, KvPolicy policy) =>
        new(DocumentStore.Open(Store(root), create: true), new ModelAnswers(model, policy), new WideEncoder(), 128);

    public static Model Load(string root) => Model.Load(Path.Combine(root, "tiny.gguf"), new ModelOptions { Threads = 1 });

    public static int Main(string[] args)
    {
        if (args is not [Name, string root, string seed])
        {
            return 2;
        }

        using var workload = new KillWorkload(root, int.Parse(seed, CultureInfo.InvariantCulture));
        workload.Run();
        return 0;
    }

    public void Report(IngestProgress value)
    {
        if (value.FilesDone > _filesDone)
        {
            _filesDone = value.FilesDone;
            _out.WriteLine($"stored {File.ReadAllText(value.File)}");
        }
    }

    public void Dispose() => _out.Dispose();

    private void Run()
    {
        using Model model = Load(_root);
        DocumentLibrary[] libraries = OpenAll(model);
        _out.WriteLine("ready");
        while (true)
        {
            DocumentLibrary library = libraries[_random.Next(10) < 7 ? 0 : 1];
            switch (_random.Next(14))
            {
                case < 3:
                    Edit();
                    Work("ingest", () =>
                    {
                        _filesDone = 0;
                        library.Ingest([Corpus(_root)], this);
                    });
                    break;
                case < 4:
                    int gone = _random.Next(AllFiles);
                    Work($"rm {gone}", () => library.Store.Remove(FilePath(gone)));
                    break;
                case < 5:
                    Work("gc", () => library.Store.CollectGarbage());
                    break;
                case < 6:
                    long? quota = _random.Next(3) == 0 ? _random.Next(20_000, 200_000) : null;
                    Work(quota is null ? "quota none" : "quota", () => library.Store.SetKvQuota(quota));
                    break;
                case < 8:
                    Work("convert", () => Convert(libraries[1].Store, model));
                    break;
                case < 9:
                    Work("import", () => library.Store.Import(Archive(_root)));
                    break;
                case < 10:
                    Work("backup", () => library.Store.Backup(Path.Combine(_root, "backup.db")));
                    break;
                case < 11:
                    Array.ForEach(libraries, open => open.Dispose());
                    Work("repair", () => DocumentStore.Repair(Store(_root)));
                    libraries = OpenAll(model);
                    break;
                case < 12:
                    string old = Path.Combine(_root, $"{_random.Next()}{Migrated}");
                    library.Store.Backup(old);
                    Work("migration", () => Migrate(old));
                    break;
                default:
                    if (library.Store.List().Count == 0)
                    {
                        break;
                    }

                    Work("ask", () =>
                        library.Ask($"What is w{_random.Next(1000)} of file {_random.Next(Files)}?",
                            new AskOptions { Passages = 3, MaxTokens = 1 }).Complete());
                    break;
            }
        }
    }

    private DocumentLibrary[] OpenAll(Model model) => [.. Policies.Select(policy => Open(_root, model, policy))];

    /// <summary>Brings a store's database to a version that is still to come.</summary>
    private static void Migrate(string path)
    {
        using Database database = Database.Open(path);
        Schema.Prepare(database, [.. Schema.Migrations, NextVersion]);
    }

    private void Convert(DocumentStore store, Model model)
    {
        try
        {
            store.ConvertKv(model, Policies[1], new KvConversionOptions { From = Policies[0], RemoveSource = _random.Next(2) == 0 });
        }
        catch (InvalidInputException)
        {
            // There is nothing to convert, or no room for it.
        }
    }

    /// <summary>
    /// New versions of some files; some are deleted. A file is replaced as a whole, so that what is ingested is one version.
    /// </summary>
    private void Edit()
    {
        for (int i = _random.Next(5); i > 0; i--)
        {
            int file = _random.Next(Files);
            if (_random.Next(6) == 0)
            {
                _out.WriteLine($"deleting {file}");
                File.Delete(FilePath(file));
                continue;
            }

            string draft = Path.Combine(_root, "draft");
            File.WriteAllText(draft, Content(file, _random.Next(1000)));
            File.Move(draft, FilePath(file), overwrite: true);
        }

        foreach (string path in Directory.GetFiles(Corpus(_root)))
        {
            _out.WriteLine($"found {File.ReadAllText(path)}");
        }
    }

    private void Work(string name, Action work)
    {
        _out.WriteLine("begin " + name);
        work();
        _out.WriteLine("end " + name);
    }

    private string FilePath(int file) => FilePath(_root, file);

    /// <summary>Vectors so long that the catalog is soon more than half out of use, and written anew.</summary>
    private sealed class WideEncoder : ITextEncoder
    {
        private readonly FakeEncoder _words = new();

        public string Identity => "wide";

        public float[] Embed(string text) => [.. _words.Embed(text), .. new float[4000]];
    }
}
