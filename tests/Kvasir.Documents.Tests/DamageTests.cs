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
                Assert.True(Seen() == expected && _said.Count == 0, $"damage {i}, {file}: {what}: not mended: {string.Join('\n', _said)}");
            }
        }

        Assert.InRange(changed, damages / 8, damages);
    }

    [Fact]
    public void Document_of_a_damaged_record_is_named_and_comes_back_with_its_kv()
    {
        Ingested();
        string log = Path.Combine(Store, "catalog.log"), dogs = Path.Combine(Documents, "sub", "dogs.md");
        byte[] bytes = File.ReadAllBytes(log);
        bytes[bytes.AsSpan().IndexOf("postman"u8)] ^= 1;
        File.WriteAllBytes(log, bytes);
        using (DocumentLibrary library = Opened())
        {
            Assert.DoesNotContain(library.Store.List(), file => file.Path == dogs);
            StoreWarning warning = Assert.Single(library.Store.Warnings);
            Assert.Contains(dogs, warning.Problem, StringComparison.Ordinal);
            Assert.Equal(["ingest", dogs], warning.Mend);

            // Another file's ingest writes the log anew; that something is missing must not be forgotten with it, nor its KV be freed.
            Folder.File("documents/cats.txt", Cats + " So.");
            library.Ingest([Path.Combine(Documents, "cats.txt")]);
        }

        using DocumentLibrary after = Opened();
        Assert.Contains(dogs, Assert.Single(after.Store.Warnings).Problem, StringComparison.Ordinal);
        Assert.Equal([Path.Combine(Documents, "cats.txt"), Path.Combine(Documents, "ships.jsonl"), dogs], after.Store.Paths().Order(StringComparer.Ordinal));
        Assert.Equal(0, after.Ingest([dogs]).ComputedChunks);
        using DocumentLibrary mended = Opened();
        Assert.Empty(mended.Store.Warnings);
        Assert.Equal(0, mended.Store.Statistics().DamagedRecords);
        Assert.Contains("postman", mended.Search("postman", 1)[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_embeddings_are_not_used()
    {
        Ingested();
        string path = Assert.Single(Directory.GetFiles(Path.Combine(Store, "vectors")));
        byte[] bytes = File.ReadAllBytes(path);
        bytes[64 + 3] ^= 0x40;
        File.WriteAllBytes(path, bytes);
        using DocumentLibrary library = Opened();
        string cats = Path.Combine(Documents, "cats.txt");
        Assert.Equal(0, library.Search("Why do cats purr?", 1)[0].Cosine);
        Assert.True(library.Search("dogs like walks", 1)[0].Cosine > 0);
        StoreWarning warning = Assert.Single(library.Store.Warnings);
        Assert.Contains(cats, warning.Problem, StringComparison.Ordinal);
        Assert.Equal(["ingest", cats], warning.Mend);
    }

    [Fact]
    public void Vectors_that_may_not_be_read_count_as_missing()
    {
        Ingested();
        string path = Assert.Single(Directory.GetFiles(Path.Combine(Store, "vectors")));
        File.Delete(path);
        Directory.CreateDirectory(path); // opening it fails as without permission, for root too
        using DocumentLibrary library = Opened();
        Assert.Equal("An answer", library.Ask("Why do cats purr?").Complete());
        Assert.Contains("words alone", Assert.Single(library.Store.Warnings).Problem, StringComparison.Ordinal);
        Assert.Equal(4, library.Verify().DamagedVectors);
    }

    [Fact]
    public void Catalog_that_is_deleted_comes_back_with_all_kv()
    {
        Ingested();
        string log = Path.Combine(Store, "catalog.log");
        File.WriteAllText(log, "damaged");
        Assert.Contains("delete it and ingest", Assert.Throws<InvalidInputException>(() => Opened()).Message, StringComparison.Ordinal);
        File.Delete(log);
        using DocumentLibrary library = Opened();
        Assert.Equal(0, library.Ingest([Documents]).ComputedChunks);
        Assert.Equal(3, library.Store.List().Count);
    }

    [Fact]
    public void Damaged_settings_and_descriptions_are_said()
    {
        Ingested();
        string settings = Path.Combine(Store, "store.json"), description = Directory.GetFiles(Store, "set.json", SearchOption.AllDirectories)[0];
        File.WriteAllText(settings, File.ReadAllText(settings).Replace("1000000", "1000001", StringComparison.Ordinal));
        File.WriteAllText(description, File.ReadAllText(description).Replace("fake", "fame", StringComparison.Ordinal));
        using DocumentLibrary library = Opened();
        library.Ask("Why do cats purr?").Complete();
        Assert.Null(library.Store.KvQuota);
        Assert.Equal([settings, description], library.Store.Warnings.Select(warning => warning.Problem.Split(' ')[0]));
        library.Ingest([Documents]);
        library.Store.SetKvQuota(1_000_000);
        Assert.Equal("fake.gguf", library.Store.Statistics().Kv[0].Model);
        using DocumentLibrary after = Opened();
        after.Ask("Why do cats purr?").Complete();
        Assert.Empty(after.Store.Warnings);
    }

    [Fact]
    public void Settings_without_a_checksum_still_count()
    {
        using DocumentLibrary library = Opened();
        File.WriteAllText(Path.Combine(Store, "store.json"), "{\"KvQuota\":512}");
        Assert.Equal(512, library.Store.KvQuota);
    }

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
        Folder.File("documents/ships.jsonl", "{\"id\":\"gull\",\"text\":\"The Silver Gull is a ship with 59 sailors.\"}\n{\"id\":\"star\",\"text\":\"The Star has no sailors.\"}");
        using DocumentLibrary library = Opened();
        library.Store.SetKvQuota(1_000_000);
        library.Ingest([Documents]);
        return [.. Directory.EnumerateFiles(Store, "*", SearchOption.AllDirectories).Where(file => new FileInfo(file).Length > 0).Order(StringComparer.Ordinal)];
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
                seen.Add($"{answer.Text} of {_model.Decode(_model.LastPrompt)}, {answer.RecomputedTokens} recomputed, {answer.RecomputeTime}");
                seen.AddRange(answer.Sources.Select(source => $"{source.File} {source.Chunk} {source.Score} {source.Cosine} {source.Bm25}"));
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
        if (Path.GetFileName(file) is "store.json" or "set.json")
        {
            return false;
        }

        if (_said.Exists(line => line.Contains("delete it and ingest", StringComparison.Ordinal)))
        {
            File.Delete(Path.Combine(Store, "catalog.log"));
        }

        using (DocumentLibrary library = Opened())
        {
            library.Ingest([Documents]);
        }

        _said.Clear();
        return true;
    }
}
