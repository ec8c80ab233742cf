namespace Kvasir.Documents.Tests;

/// <summary>Damage to any file of a store changes nothing, or is said.</summary>
public sealed class DamageTests : LibraryFixture
{
    private static readonly string[] s_questions = ["Why do cats purr?", "What do dogs like?", "Which ships have sailors?"];

    private readonly List<string> _said = [];
    private readonly FakeModel _model = new(new Unflushed());

    /// <summary>More than the 400 of the suite with <c>KVASIR_DAMAGES</c>.</summary>
    [Fact]
    public void Damage_anywhere_changes_nothing_or_is_said_and_an_ingest_mends_it()
    {
        int damages = int.Parse(Environment.GetEnvironmentVariable("KVASIR_DAMAGES") ?? "400", CultureInfo.InvariantCulture);
        string[] files = Ingested();
        Dictionary<string, byte[]> sound = files.ToDictionary(file => file, File.ReadAllBytes);
        string expected = Seen();
        Assert.Empty(_said);
        var random = new Random(17);
        int changed = 0;
        for (int i = 0; i < damages; i++)
        {
            string file = files[i % files.Length];
            byte[] damaged = Damage(sound[file], (DamageKind)(i / files.Length % 3), random, out string what);
            Restore(sound);
            File.WriteAllBytes(file, damaged);
            _said.Clear();
            string seen = Seen();
            changed += seen != expected ? 1 : 0;
            Assert.True(seen == expected || _said.Count > 0, $"damage {i}, {file}: {what}: not said\n{expected}\nbecame\n{seen}");
            Assert.All(_said, line => Assert.DoesNotContain(line, char.IsControl));
            if (i % 16 < 2 && Mended(file))
            {
                Assert.True(WithoutSpeed(Seen()) == WithoutSpeed(expected) && _said.Count == 0,
                    $"damage {i}, {file}: {what}: not mended: {string.Join('\n', _said)}");
            }
        }

        Assert.InRange(changed, damages / 8, damages);
    }

    [Fact]
    public void Damaged_document_is_named_and_comes_back_with_its_kv()
    {
        Ingested();
        string path = Path.Combine(Store, "store.db"), dogs = Path.Combine(Documents, "sub", "dogs.md");
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.AsSpan().IndexOf("the postman"u8) + 5] ^= 1;
        File.WriteAllBytes(path, bytes);
        using (DocumentLibrary library = Opened())
        {
            Assert.DoesNotContain(library.Search("Dogs bark at the postman", 9), passage => passage.Text.Contains("Dogs bark",
                StringComparison.Ordinal));
            StoreWarning warning = Assert.Single(library.Store.Warnings);
            Assert.Contains(dogs, warning.Problem, StringComparison.Ordinal);
            Assert.Equal((StoreMend.IngestAnew, dogs), (warning.Mend, warning.File));
            Assert.Equal(1, library.Verify().DamagedRecords);

            // Another file's ingest must not free the KV of what is lost.
            Folder.File("documents/cats.txt", Cats + " So.");
            library.Ingest([Path.Combine(Documents, "cats.txt")]);
            Assert.Equal(0, library.Ingest([dogs], force: true).ComputedChunks);
        }

        using DocumentLibrary mended = Opened();
        Assert.True(mended.Verify().IsSound);
        Assert.Contains("postman", mended.Search("postman", 1)[0].Text, StringComparison.Ordinal);
        Assert.Empty(mended.Store.Warnings);
    }

    [Theory]
    [InlineData(
        "DELETE FROM chunk WHERE part = 1 AND document = (SELECT d.id FROM document d JOIN file f ON f.id = d.file WHERE f.path LIKE "
        + "'%dogs.md')")]
    [InlineData("PRAGMA foreign_keys=OFF; DELETE FROM document WHERE file = (SELECT id FROM file WHERE path LIKE '%dogs.md')")]
    [InlineData("PRAGMA foreign_keys=OFF; DELETE FROM text WHERE content LIKE 'Dogs%'")]
    [InlineData("UPDATE text SET content = 'Cats bark.' WHERE content LIKE 'Dogs%'")]
    [InlineData("UPDATE document SET title = 'cats' WHERE title = 'dogs'")]
    [InlineData("UPDATE file SET length = length + 1 WHERE path LIKE '%dogs.md'")]
    [InlineData(
        "UPDATE chunk SET start = start + 1 WHERE document = (SELECT d.id FROM document d JOIN file f ON f.id = d.file WHERE f.path LIKE "
        + "'%dogs.md')")]
    public void Row_that_is_lost_or_changed_is_said_and_mended(string sql)
    {
        Ingested();
        Tamper(sql);
        string dogs = Path.Combine(Documents, "sub", "dogs.md");
        using (DocumentLibrary library = Opened())
        {
            library.Ask("Who barks at the postman?", new AskOptions { Passages = 9 }).Complete();
            Assert.Contains(library.Store.Warnings, warning => warning.Problem.Contains(dogs,
                StringComparison.Ordinal) && warning.File == dogs);
            Assert.True(library.Store.Statistics().DamagedRecords > 0);
            Assert.False(library.Verify().IsSound);
            Assert.Contains(dogs, library.Store.Paths());
            library.Ingest([dogs], force: true);
        }

        using DocumentLibrary mended = Opened();
        Assert.Contains("postman", mended.Ask("Who barks at the postman?").Sources[0].Text, StringComparison.Ordinal);
        Assert.True(mended.Verify().IsSound);
        Assert.Equal(0, mended.Store.Statistics().DamagedRecords);
    }

    [Theory]
    [InlineData("DELETE FROM file WHERE path LIKE '%dogs.md'")]
    [InlineData("DELETE FROM words WHERE rowid = 1")]
    public void Row_that_leaves_no_name_is_said_all_the_same(string sql)
    {
        Ingested();
        Tamper(sql);
        using DocumentLibrary library = Opened();
        Assert.Equal(StoreMend.Repair, Assert.Single(library.Store.Warnings).Mend);
    }

    [Theory]
    [InlineData("DELETE FROM words_data WHERE id > 1000")]
    [InlineData("PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX text_kv ON text(title)' WHERE name = 'text_kv'")]
    public void Damaged_index_is_found_by_verifying_and_mended_by_a_repair(string sql)
    {
        Ingested();
        Tamper(sql);
        using (DocumentLibrary library = Opened())
        {
            Assert.Empty(library.Store.Warnings);
            Assert.True(library.Verify().DamagedRecords > 0);
        }

        Assert.True(DocumentStore.Repair(Store).IsWhole);
        using DocumentLibrary mended = Opened();
        Assert.True(mended.Verify().IsSound);
        Assert.Contains("postman", mended.Search("postman", 1)[0].Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE embedding SET vector = zeroblob(length(vector)) WHERE text = (SELECT min(id) FROM text)")]
    [InlineData("DELETE FROM embedding WHERE text = (SELECT min(id) FROM text)")]
    [InlineData("UPDATE embedding SET vector = x'' WHERE text = (SELECT min(id) FROM text)")]
    [InlineData("UPDATE embedding SET text = -text WHERE text = (SELECT min(id) FROM text)")]
    public void Damaged_embeddings_are_not_used(string sql)
    {
        Ingested();
        Tamper(sql);
        string cats = Path.Combine(Documents, "cats.txt");
        using (DocumentLibrary library = Opened())
        {
            Assert.Equal(0, Sleepers(library).Cosine);
            Assert.True(library.Search("dogs like walks", 1)[0].Cosine > 0);
            StoreWarning warning = Assert.Single(library.Store.Warnings);
            Assert.Contains(cats, warning.Problem, StringComparison.Ordinal);
            Assert.Equal((StoreMend.IngestAnew, cats), (warning.Mend, warning.File));
            int embedded = Encoder.Embedded;
            library.Ingest([cats], force: true);
            Assert.Equal(1, Encoder.Embedded - embedded);
        }

        using DocumentLibrary mended = Opened();
        Assert.True(Sleepers(mended).Cosine > 0);
        Assert.Empty(mended.Store.Warnings);

        static Passage Sleepers(DocumentLibrary library) => library.Search("Cats sleep all day long",
            9).Single(passage => passage.Text.Contains("sleep", StringComparison.Ordinal));
    }

    [Fact]
    public void Encoder_that_is_lost_leaves_the_words()
    {
        Ingested();
        Tamper("UPDATE encoder SET identity = 'other'");
        using DocumentLibrary library = Opened();
        Assert.Equal("An answer", library.Ask("Why do cats purr?").Complete());
        Assert.Contains("words alone", Assert.Single(library.Store.Warnings).Problem, StringComparison.Ordinal);
        library.Ingest([Documents]);
        Assert.True(library.Search("Why do cats purr?", 1)[0].Cosine > 0);
    }

    [Fact]
    public void Database_that_is_deleted_comes_back_with_all_kv()
    {
        Ingested();
        string path = Path.Combine(Store, "store.db");
        File.WriteAllText(path, "damaged, and not even a database any more");
        Assert.Contains("store repair", Assert.Throws<InvalidInputException>(() => Opened()).Message, StringComparison.Ordinal);
        File.Delete(path);
        using DocumentLibrary library = Opened();
        Assert.Equal(0, library.Ingest([Documents]).ComputedChunks);
        Assert.Equal(3, library.Store.List().Count);
    }

    [Fact]
    public void Damaged_settings_and_descriptions_are_said()
    {
        Ingested();
        Tamper("UPDATE setting SET value = value + 1 WHERE name = 'quota'");
        Tamper("UPDATE shelf SET model = 'fame.gguf'");
        using (DocumentLibrary library = Opened())
        {
            library.Ask("Why do cats purr?").Complete();
            Assert.Null(library.Store.KvQuota);
            Assert.Equal([StoreMend.SetQuota, StoreMend.IngestAll], library.Store.Warnings.Select(warning => warning.Mend));
            library.Ingest([Documents]);
            library.Store.SetKvQuota(1_000_000);
            Assert.Equal("fake.gguf", library.Store.Statistics().Kv[0].Model);
        }

        using DocumentLibrary after = Opened();
        after.Ask("Why do cats purr?").Complete();
        Assert.Empty(after.Store.Warnings);
    }

    [Fact]
    public void Database_cut_at_any_page_is_repaired_and_ingested_anew()
    {
        Ingested();
        string path = Path.Combine(Store, "store.db");
        byte[] whole = File.ReadAllBytes(path);
        int kept = 0;
        for (int length = 0; length < whole.Length; length += 4096 + 512)
        {
            File.WriteAllBytes(path, whole[..length]);
            kept += DocumentStore.Repair(Store).Files;
            using DocumentLibrary library = Opened();
            Assert.Empty(library.Store.Warnings);
            Assert.Equal(0, library.Ingest([Documents]).ComputedChunks);
            Assert.Equal(3, library.Store.List().Count);
            Assert.True(library.Verify().IsSound);
        }

        Assert.InRange(kept, 1, int.MaxValue);
    }

    [Fact]
    public void Repair_keeps_what_is_sound_and_names_what_is_lost()
    {
        Ingested();
        string dogs = Path.Combine(Documents, "sub", "dogs.md");
        Tamper("UPDATE text SET content = 'Cats bark.' WHERE content LIKE 'Dogs%'");
        StoreRepair report = DocumentStore.Repair(Store);
        Assert.Equal((2, 0), (report.Files, report.Unreadable));
        Assert.Equal([dogs], report.Lost);
        using DocumentLibrary library = Opened();
        Assert.Empty(library.Store.Warnings);
        Assert.Equal(1_000_000, library.Store.KvQuota);
        Assert.True(library.Search("Why do cats purr?", 1)[0].Cosine > 0);
        Assert.Equal((0, 1), library.Ingest([Documents]) is var ingested ? (ingested.ComputedChunks, ingested.ChangedFiles) : default);
        Assert.True(library.Verify().IsSound);
    }

    [Fact]
    public void Repair_waits_until_no_one_else_has_the_store_open()
    {
        Ingested();
        using (DocumentLibrary library = Opened())
        {
            Assert.Contains("another program is using", Assert.Throws<StoreWriteException>(() => DocumentStore.Repair(Store)).Message,
                StringComparison.Ordinal);
            Folder.File("documents/new.txt", "Ingested after the repair was refused.");
            library.Ingest([Documents]);
        }

        Assert.Equal(4, DocumentStore.Repair(Store).Files);
    }

    /// <summary>How fast KV was computed once cannot be mended.</summary>
    private static string WithoutSpeed(string seen) => string.Join('\n',
        seen.Split('\n').Where(line => !line.StartsWith("computed again", StringComparison.Ordinal)));

    private DocumentLibrary Opened() => Open(_model, files: new Unflushed());

    private enum DamageKind
    {
        Bit,
        Bytes,
        Truncation,
    }

    private static byte[] Damage(byte[] sound, DamageKind kind, Random random, out string what)
    {
        byte[] damaged = [.. sound];
        int at = random.Next(damaged.Length);
        what = $"{kind} at {at} of {sound.Length}";
        switch (kind)
        {
            case DamageKind.Bit:
                damaged[at] ^= (byte)(1 << random.Next(8));
                break;
            case DamageKind.Bytes:
                random.NextBytes(damaged.AsSpan(at, Math.Min(64, damaged.Length - at)));
                break;
            default:
                damaged = damaged[..at];
                break;
        }

        return damaged;
    }

    /// <summary>A store with everything a store has; all its files.</summary>
    private string[] Ingested()
    {
        Folder.File("documents/ships.jsonl",
            "{\"id\":\"gull\",\"text\":\"The Silver Gull is a ship with 59 sailors.\"}\n{\"id\":\"star\",\"text\":\"The Star has no "
            + "sailors.\"}");
        using (DocumentLibrary library = Opened())
        {
            library.Store.SetKvQuota(1_000_000);
            library.Ingest([Documents]);
        }

        return [.. Directory.EnumerateFiles(Store, "*", SearchOption.AllDirectories).Where(file => new FileInfo(file).Length > 0)
            .Order(StringComparer.Ordinal)];
    }

    private void Restore(Dictionary<string, byte[]> sound)
    {
        foreach (string file in Directory.EnumerateFiles(Store, "*", SearchOption.AllDirectories).Where(file => !sound.ContainsKey(file)))
        {
            File.Delete(file);
        }

        foreach ((string file, byte[] content) in sound)
        {
            File.WriteAllBytes(file, content);
        }
    }

    /// <summary>All that a user may see of a store, or why nothing.</summary>
    private string Seen()
    {
        try
        {
            using DocumentLibrary library = Opened();
            var seen = new List<string> { $"quota {library.Store.KvQuota}" };
            seen.AddRange(library.Store.List().Select(file => file.ToString()));
            foreach (string question in s_questions)
            {
                Answer answer = library.Ask(question);
                answer.Complete();
                seen.Add($"{answer.Text} of {_model.Decode(_model.LastPrompt)}, {answer.RecomputedTokens} recomputed");
                seen.Add($"computed again {answer.RecomputeTime}");
                seen.AddRange(answer.Sources.Select(source => $"{source.File} {source.Chunk} {source.Cosine}"));
            }

            _said.AddRange(library.Store.Warnings.Select(warning => warning.Problem));
            return string.Join('\n', seen);
        }
        catch (InvalidInputException error)
        {
            _said.Add(error.Message);
            return error.Message;
        }
    }

    /// <summary>Does what the message says; false where it cannot bring back what was there.</summary>
    private bool Mended(string file)
    {
        if (_said.Exists(line => line.Contains("quota", StringComparison.Ordinal))) return false;

        if (Path.GetFileName(file) == "store.db")
        {
            DocumentStore.Repair(Store);
            using DocumentStore store = DocumentStore.Open(Store);
            store.SetKvQuota(1_000_000);
        }

        using (DocumentLibrary library = Opened())
        {
            library.Ingest([Documents], force: true);
        }

        _said.Clear();
        return true;
    }
}
