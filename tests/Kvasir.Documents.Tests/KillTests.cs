using Kvasir.Models;
using Xunit.Abstractions;

namespace Kvasir.Documents.Tests;

/// <summary>
/// Kills a process that writes to a store (SIGKILL, at a random instant) again and again, and looks after each time whether everything is
/// there that it had said was done, whole, and nothing damaged. <c>KVASIR_KILLS=200</c> for the long run.
/// </summary>
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, int> _phases = new(StringComparer.Ordinal);

    /// <summary>
    /// What the process has said of each file: the versions one of which must be stored; null among them where it may be missing.
    /// </summary>
    private readonly HashSet<string?>[] _promised =
        [.. Enumerable.Range(0, KillWorkload.AllFiles).Select(_ => new HashSet<string?> { null })];

    /// <summary>Files whose KV must be there under some policy.</summary>
    private readonly HashSet<int> _withKv = [];
    private bool _quota;

    private static int[] Imported => [.. Enumerable.Range(KillWorkload.Files, KillWorkload.AllFiles - KillWorkload.Files)];

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    private const string AtOnce = "";

    /// <summary>What the process must have said before the time runs after which it is killed, so that short work is hit too.</summary>
    private static readonly string[] Triggers =
        [AtOnce, "begin ingest", "stored", "begin convert", "begin gc", "begin rm", "stored", "begin quota", "begin ask", "begin convert",
            "begin import", "begin backup", "begin repair", "begin migration", "ready"];

    [Fact]
    public void Nothing_that_was_acknowledged_is_lost_or_damaged_by_a_kill()
    {
        int kills = int.TryParse(Environment.GetEnvironmentVariable("KVASIR_KILLS"), CultureInfo.InvariantCulture, out int asked)
            ? asked : 15;
        TinyModel.Write(_folder.Sub("tiny.gguf"));
        for (int file = 0; file < KillWorkload.Files; file++)
        {
            _folder.File($"corpus/{file}.txt", KillWorkload.Content(file, 0));
        }

        using Model model = KillWorkload.Load(_folder.Path);
        MakeArchive(model);
        var random = new Random(11);
        for (int kill = 0; kill < kills; kill++)
        {
            string trigger = Triggers[kill % Triggers.Length];
            List<string> said = RunAndKill(kill, trigger, TimeSpan.FromMilliseconds(random.Next(MostDelay(trigger))));
            Learn(said);
            Check(model, string.Join(Environment.NewLine, said.TakeLast(6)));
        }

        Finish(model);
        Assert.True(DocumentStore.Repair(KillWorkload.Store(_folder.Path)).IsWhole);
        output.WriteLine(
            $"{kills} kills: "
            + $"{string.Join(", ", _phases.OrderByDescending(phase => phase.Value).Select(phase => $"{phase.Value} during {phase.Key}"))}; nothing lost");
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Milliseconds: about as long as what begins then takes.</summary>
    private static int MostDelay(string trigger) => trigger switch
    {
        "ready" or AtOnce => 500,
        "begin gc" or "begin rm" or "begin quota" or "begin repair" or "begin migration" => 8,
        _ => 30,
    };

    private void MakeArchive(Model model)
    {
        Array.ForEach(Imported, file => _folder.File($"imported/{file}.txt", KillWorkload.Content(file, 0)));
        using DocumentLibrary library = KillWorkload.Open(_folder.Path, model, KillWorkload.Policies[0]);
        library.Ingest([_folder.Sub("imported")]);
        library.Store.Export(_folder.Sub("imported"), KillWorkload.Archive(_folder.Path));
        Directory.Delete(KillWorkload.Store(_folder.Path), recursive: true);
    }

    /// <summary>All lines that the process has written before it was killed.</summary>
    private List<string> RunAndKill(int seed, string trigger, TimeSpan delay)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(
                "dotnet",
                [typeof(KillTests).Assembly.Location, KillWorkload.Name, _folder.Path, seed.ToString(CultureInfo.InvariantCulture)])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Start();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        List<string> said = [];
        long start = Stopwatch.GetTimestamp();
        while (trigger != AtOnce && process.StandardOutput.ReadLine() is { } line)
        {
            said.Add(line);
            if (line.StartsWith(trigger, StringComparison.Ordinal) || Stopwatch.GetElapsedTime(start) > Longest)
            {
                break;
            }
        }

        Thread.Sleep(delay);
        process.Kill();
        string rest = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(errors.Result.Length == 0, errors.Result);

        // What follows the last line break was not said yet.
        return [.. said, .. rest.Split('\n')[..^1]];
    }

    private void Learn(List<string> said)
    {
        string doing = said.Count == 0 ? "start" : "nothing";
        foreach (string line in said)
        {
            string[] words = line.Split(' ');
            switch (words)
            {
                case ["stored", "file", var file, ..]:
                    _promised[Number(file)] = [line["stored ".Length..]];
                    SetKv(Number(file));
                    break;
                case ["found", "file", var file, ..]:
                    _promised[Number(file)].Add(line["found ".Length..]);
                    break;
                case ["deleting", var file]:
                    _promised[Number(file)].Add(null);
                    break;
                case ["begin", "rm", var file]:
                    _promised[Number(file)].Add(null);
                    break;
                case ["end", "rm", var file]:
                    _promised[Number(file)] = [null];
                    break;
                case ["begin", "import"]:
                    Array.ForEach(Imported, file => _promised[file].Add(KillWorkload.Content(file, 0)));
                    break;
                case ["end", "import"]:
                    Array.ForEach(Imported, file => _promised[file] = [KillWorkload.Content(file, 0)]);
                    Array.ForEach(Imported, SetKv);
                    break;
                case ["begin", "quota"]:
                    _quota = true;
                    _withKv.Clear();
                    break;
                case ["end", "quota", "none"]:
                    _quota = false;
                    break;
            }

            doing = words[0] == "begin" ? words[1] : words[0] == "end" ? "nothing" : doing;
        }

        _phases[doing] = _phases.GetValueOrDefault(doing) + 1;
    }

    private void SetKv(int file)
    {
        if (!_quota)
        {
            _withKv.Add(file);
        }
    }

    private void Check(Model model, string said)
    {
        HashSet<string> kv = [];
        foreach (DocumentLibrary library in KillWorkload.Policies.Select(policy => KillWorkload.Open(_folder.Path, model, policy)))
        {
            using (library)
            {
                StoreVerification verified = library.Verify();
                Assert.True(verified.Damaged.Count == 0 && verified.DamagedRecords == 0 && verified.DamagedVectors == 0,
                    $"{(verified.Damaged.Count > 0 ? verified.Damaged[0] : null)}, {verified.DamagedRecords} damaged records, "
                    + $"{verified.DamagedVectors} damaged embeddings, after: {said}");
            }
        }

        foreach (string folder in KvShelf.Folders(KillWorkload.Store(_folder.Path)))
        {
            kv.UnionWith(KvShelf.Names(folder));
        }

        foreach (string migrated in Directory.GetFiles(_folder.Path, "*" + KillWorkload.Migrated)) CheckMigrated(migrated);
        using DocumentStore store = DocumentStore.Open(KillWorkload.Store(_folder.Path));
        ICatalog catalog = store.Catalog;
        for (int file = 0; file < KillWorkload.AllFiles; file++)
        {
            StoredFile? stored = catalog.File(KillWorkload.FilePath(_folder.Path, file));
            string? text = stored is null ? null : Text(catalog, Assert.Single(catalog.Documents(stored.Path)));
            Assert.True(_promised[file].Contains(text),
                $"file {file} is stored as '{text}' where one of '{string.Join("', '", _promised[file])}' was promised, after: {said}");
            if (stored is not null && _withKv.Contains(file) && _promised[file].Count == 1)
            {
                Assert.True(catalog.Documents(stored.Path).SelectMany(catalog.Chunks).All(chunk => kv.Contains(chunk.KvName)),
                    $"KV of file {file} is lost, after: {said}");
            }
        }
    }

    /// <summary>A migration is made as a whole or not at all.</summary>
    private static void CheckMigrated(string path)
    {
        using (Database database = Database.Open(path))
        {
            bool isNext = database.Number("PRAGMA user_version") > Schema.Migrations.Count;
            Assert.Equal(isNext ? 1 : 0, database.Number("SELECT count(*) FROM sqlite_schema WHERE name = 'next'"));
            Assert.Equal(0, database.Number($"SELECT count(*) FROM text WHERE (content = '') <> {(isNext ? 1 : 0)}"));
            Assert.Equal(0, isNext ? database.Number("SELECT count(*) FROM text WHERE id NOT IN (SELECT text FROM next)") : 0);
            Assert.Equal("ok", Assert.Single(database.Query("PRAGMA integrity_check", row => row.GetString(0))));
        }

        File.Delete(path);
    }

    /// <summary>The next ingest completes everything.</summary>
    private void Finish(Model model)
    {
        using DocumentLibrary library = KillWorkload.Open(_folder.Path, model, KillWorkload.Policies[0]);
        library.Store.SetKvQuota(null);
        IngestReport report = library.Ingest([KillWorkload.Corpus(_folder.Path), _folder.Sub("imported")]);
        string[] files = [.. Directory.GetFiles(KillWorkload.Corpus(_folder.Path)), .. Directory.GetFiles(_folder.Sub("imported"))];
        Assert.Equal((files.Length, 0), (report.Documents, report.ChunksWithoutKv));
        Assert.Equal(files.Order(StringComparer.Ordinal), library.Store.List().Select(file => file.Path));
        StoreVerification verified = library.Verify();
        Assert.Equal(0, verified.Kv[0].Missing);
        Assert.Empty(verified.Damaged);
        Assert.DoesNotContain(Directory.EnumerateFiles(library.Store.Folder, "*", SearchOption.AllDirectories), file =>
            file.EndsWith(".tmp", StringComparison.Ordinal));
        ICatalog catalog = library.Store.Catalog;
        Assert.All(files, file => Assert.Equal(File.ReadAllText(file), Text(catalog, catalog.Documents(file).Single())));
    }

    /// <summary>The text of a document from that of its chunks: they lie one behind the other, with white space between.</summary>
    private static string Text(ICatalog catalog, StoredDocument document)
    {
        IReadOnlyList<StoredChunk> chunks = catalog.Chunks(document);
        char[] text = new char[chunks.Max(chunk => chunk.Start + chunk.Length)];
        Array.Fill(text, ' ');
        foreach (StoredChunk chunk in chunks)
        {
            chunk.Text.CopyTo(0, text, chunk.Start, chunk.Length);
        }

        return new string(text);
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
