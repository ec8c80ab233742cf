namespace Kvasir.Documents.Tests;

/// <summary>Whatever becomes of the KV files, the answer comes, and what it had to compute is there for the next one.</summary>
public sealed class KvOnDemandTests : LibraryFixture
{
    private static readonly AskOptions All = new() { Passages = 9 };

    private string Shelf => Assert.Single(Directory.GetDirectories(Path.Combine(Store, "kv")));

    private string[] ChunkFiles =>
        [.. KvFiles().Where(file => !file.EndsWith("prefix.kv", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    [Fact]
    public void Missing_kv_is_computed_as_ingesting_does_and_stored()
    {
        int[] sound = Ingested();
        string lost = ChunkFiles[0];
        byte[] bytes = File.ReadAllBytes(lost);
        File.Delete(lost);
        Model.PrefilledTokens = 0;
        using DocumentLibrary library = Open();
        Answer answer = Ask(library, sound);
        Assert.Equal((bytes.Length - 8) / 4, answer.RecomputedTokens);
        Assert.Equal(answer.RecomputedTokens, Model.PrefilledTokens);
        Assert.Equal(bytes, File.ReadAllBytes(lost));
        Assert.Equal(0, Ask(library, sound).RecomputedTokens);
        Assert.Equal(0, library.Ingest([Documents]).ComputedChunks);
    }

    public static TheoryData<string, bool> Damages
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (string damage in new[] { "truncated", "flipped", "empty", "deleted" })
            {
                data.Add(damage, false);
                data.Add(damage, true);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public void Damaged_kv_is_set_aside_and_computed_again(string damage, bool late)
    {
        int[] sound = Ingested();
        foreach (string file in KvFiles())
        {
            byte[] whole = File.ReadAllBytes(file);
            Damage(file, damage);
            using (DocumentLibrary library = Open(Late(late)))
            {
                Answer answer = Ask(library, sound);
                Assert.True(answer.RecomputedTokens > 0);
                Assert.Equal(sound.Length, answer.ReusedTokens + answer.RecomputedTokens + answer.QuestionTokens);
                if (!file.EndsWith("prefix.kv", StringComparison.Ordinal))
                {
                    Assert.Equal(whole, File.ReadAllBytes(file));
                    Assert.Equal(0, Ask(library, sound).RecomputedTokens);
                }
            }

            using DocumentLibrary again = Open();
            Assert.Equal(0, again.Ingest([Documents]).ComputedChunks);
            Assert.Equal(whole, File.ReadAllBytes(file));
            Assert.Empty(again.Verify().Damaged);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void All_files_damaged_at_once_cost_only_time(bool late)
    {
        int[] sound = Ingested();
        Array.ForEach(KvFiles(), file => Damage(file, "flipped"));
        using DocumentLibrary library = Open(Late(late));
        Assert.Equal(0, Ask(library, sound).ReusedTokens);
        Assert.Equal(4, ChunkFiles.Length);
        Assert.Equal(0, Ask(library, sound).RecomputedTokens);
    }

    [Fact]
    public void Prefix_that_is_damaged_while_it_is_in_use_is_computed_again()
    {
        int[] sound = Ingested();
        FakeModel model = Late(true);
        using DocumentLibrary library = Open(model);
        Ask(library, sound);
        string prefix = Path.Combine(Shelf, "prefix.kv");
        model.Damaged.Add(prefix);
        Assert.Equal(1, Ask(library, sound).RecomputedTokens);
        Assert.Equal(0, Ask(library, sound).RecomputedTokens);
    }

    [Fact]
    public void Disk_that_damages_what_is_written_does_not_keep_the_answer_from_coming()
    {
        int[] sound = Ingested();
        FakeModel model = Late(true);
        foreach (string file in ChunkFiles)
        {
            model.Damaged.Add(file);
        }

        using DocumentLibrary library = Open(model);
        Assert.Equal(1, Ask(library, sound).ReusedTokens);
    }

    [Fact]
    public void Missing_kv_folder_is_made_again()
    {
        int[] sound = Ingested();
        using DocumentLibrary library = Open();
        Ask(library, sound);
        Directory.Delete(Path.Combine(Store, "kv"), recursive: true);
        Ask(library, sound);
        Assert.Equal(5, KvFiles().Length);
        Assert.Equal(0, library.Ingest([Documents]).ComputedChunks);
        Assert.Equal("fake.gguf", library.Store.Statistics().Kv[0].Model);
    }

    [Theory]
    [InlineData("DELETE FROM shelf")]
    [InlineData("UPDATE shelf SET model = ''")]
    [InlineData("UPDATE shelf SET tokens = 1, seconds = 1e300")]
    [InlineData("UPDATE shelf SET prefix = 'x,y'")]
    [InlineData("UPDATE shelf SET name = 'other'")]
    public void Damaged_description_hinders_nothing(string sql)
    {
        int[] sound = Ingested();
        Tamper(sql);
        using DocumentLibrary library = Open();
        Assert.Equal(0, Ask(library, sound).RecomputedTokens);
        Assert.Single(library.Store.Statistics().Kv);
        Assert.Equal(4, library.Verify().Chunks);
        library.Ingest([Documents]);
    }

    [Fact]
    public void Answer_comes_without_storing_where_another_process_writes()
    {
        int[] sound = Ingested();
        File.Delete(ChunkFiles[0]);
        using DocumentLibrary library = Open(), other = Open();
        using (other.Store.Write())
        {
            Assert.True(Ask(library, sound).RecomputedTokens > 0);
        }

        Assert.Equal(3, ChunkFiles.Length);
        Assert.True(Ask(library, sound).RecomputedTokens > 0);
        Assert.Equal(4, ChunkFiles.Length);
    }

    [Fact]
    public void Answer_comes_from_a_full_disk()
    {
        int[] sound = Ingested();
        for (int writes = 0; writes < 3; writes++)
        {
            File.Delete(ChunkFiles[0]);
            File.Delete(Path.Combine(Shelf, "prefix.kv"));
            using DocumentLibrary library = Open(new FakeModel(new FullDisk(writes), Model) { Recording = Model });
            Assert.True(Ask(library, sound).RecomputedTokens > 0);
            Assert.Empty(Directory.EnumerateFiles(Store, "*.tmp", SearchOption.AllDirectories));
            using DocumentLibrary after = Open();
            after.Ingest([Documents]);
        }
    }

    private FakeModel Late(bool late) => new(sameTokenizer: Model) { ChecksLate = late, Recording = Model };

    /// <summary>Ingests, and gives the prompt of a question over everything.</summary>
    private int[] Ingested()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        library.Ask("Why do cats purr?", All).Complete();
        return [.. Model.LastPrompt];
    }

    private Answer Ask(DocumentLibrary library, int[] prompt)
    {
        Answer answer = library.Ask("Why do cats purr?", All);
        Assert.Equal("An answer", answer.Complete());
        Assert.Equal(prompt, Model.LastPrompt);
        return answer;
    }

    private static void Damage(string file, string damage)
    {
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^2] ^= 16;
        switch (damage)
        {
            case "truncated":
                File.WriteAllBytes(file, bytes[..^3]);
                break;
            case "flipped":
                File.WriteAllBytes(file, bytes);
                break;
            case "empty":
                File.WriteAllBytes(file, []);
                break;
            default:
                File.Delete(file);
                break;
        }
    }
}
