using Kvasir.Cache;

namespace Kvasir.Documents.Tests;

/// <summary>Stored KV under another policy than it was made with.</summary>
public sealed class ConversionTests : LibraryFixture
{
    private const string Exact = "k=f32,v=f32", Half = "k=f16,v=f16", Small = "k=kivi4,v=kivi4";

    [Fact]
    public void Converted_store_answers_without_computing_anything()
    {
        Ingest(Half);
        KvConversionReport report = Convert(Small);
        Assert.Equal((Half, Small, 5, 0, false), (report.From, report.To, report.Files, report.Skipped, report.SourceRemoved));
        Assert.Equal(report.Tokens * 4 + 5 * 8, report.BytesBefore);
        Assert.True(report.BytesAfter > 0 && report.Damaged.Count == 0);
        Assert.Equal([(Half, 4), (Small, 4)], Kept());

        FakeModel model = Another(Small);
        using DocumentLibrary library = Open(model);
        Answer answer = library.Ask("Why do cats purr?");
        answer.Complete();
        Assert.Equal((0, 0, 0, 0), (model.PrefilledTokens, model.Conversions, answer.RecomputedTokens, answer.ConvertedTokens));
        Assert.Equal(0, library.Ingest([Documents]).ComputedChunks);
        Assert.NotNull(answer.RecomputeTime);
    }

    [Fact]
    public void What_is_converted_already_is_not_converted_again()
    {
        Ingest(Half);
        Convert(Small);
        FakeModel model = Another(Small);
        KvConversionReport report = Convert(Small, model: model);
        Assert.Equal((0, 5, 0), (report.Files, report.Skipped, model.Conversions));
        File.Delete(
            KvFiles().First(file =>
            !file.EndsWith("prefix.kv", StringComparison.Ordinal) && file.Contains(Shelf(Small), StringComparison.Ordinal)));
        Assert.Equal((1, 4), Convert(Small) is var again ? (again.Files, again.Skipped) : default);
    }

    [Fact]
    public void Old_kv_is_removed_when_all_is_converted_and_checked()
    {
        Ingest(Half);
        Convert(Small);
        string damaged = KvFiles().First(file => file.Contains(Shelf(Small), StringComparison.Ordinal));
        File.WriteAllBytes(damaged, [1, 2, 3]);
        KvConversionReport report = Convert(Small, new KvConversionOptions { RemoveSource = true });
        Assert.Equal((1, 4, true), (report.Files, report.Skipped, report.SourceRemoved));
        Assert.Equal([(Small, 4)], Kept());
        Assert.Contains("no KV", Refused(Small), StringComparison.Ordinal);
        using DocumentLibrary library = Open(Another(Small));
        Assert.Empty(library.Verify().Damaged);
    }

    [Fact]
    public void Interrupted_conversion_goes_on_where_it_stopped()
    {
        Ingest(Half);
        for (int done = 1; done < 5; done++)
        {
            using var cancellation = new CancellationTokenSource();
            var progress = new Immediate(value => { if (value.FilesDone == done) { cancellation.Cancel(); } });
            Assert.ThrowsAny<OperationCanceledException>(() =>
                Convert(Small, new KvConversionOptions { RemoveSource = true }, progress: progress, cancellation: cancellation.Token));
            Assert.Equal(4, Kept().Single(shelf => shelf.Policy == Half).Chunks);
        }

        Assert.Equal((1, 4, true), Convert(Small, new KvConversionOptions { RemoveSource = true }) is var report
            ? (report.Files, report.Skipped, report.SourceRemoved) : default);
    }

    [Fact]
    public void Full_disk_at_any_write_leaves_nothing_half_converted()
    {
        var disk = new FullDisk(0);
        int writes = 0;
        for (; writes == 0 || disk.Failed; writes++)
        {
            StoreNumber = writes;
            Ingest(Half);
            disk = new FullDisk(writes);
            Exception? error = Record.Exception(() =>
                Convert(Small, new KvConversionOptions { RemoveSource = true }, Another(Small, disk), disk));
            Assert.True(error is null or StoreWriteException, error?.ToString());
            Assert.Equal(error is null ? 0 : 1, Kept().Count(shelf => shelf == (Half, 4)));

            FakeModel model = Another(Small);
            using DocumentLibrary library = Open(model);
            Assert.Empty(library.Verify().Damaged);
            Answer answer = library.Ask("Why do cats purr?");
            answer.Complete();
            Assert.Equal((0, 0), (model.PrefilledTokens, answer.RecomputedTokens));
            if (error is not null)
            {
                Assert.True(Convert(Small, new KvConversionOptions { RemoveSource = true }).SourceRemoved);
            }

            Assert.DoesNotContain(Directory.EnumerateFiles(Store, "*.tmp", SearchOption.AllDirectories), _ => true);
            Assert.Equal([(Small, 4)], Kept());
        }

        Assert.True(writes > 5, "too few writes went through the door");
    }

    [Fact]
    public void Damaged_file_is_set_aside_and_the_rest_converted()
    {
        Ingest(Half);
        string bad = KvFiles().First(file => !file.EndsWith("prefix.kv", StringComparison.Ordinal));
        File.WriteAllBytes(bad, [1, 2, 3]);
        KvConversionReport report = Convert(Small, new KvConversionOptions { RemoveSource = true });
        Assert.Equal(bad, Assert.Single(report.Damaged).Path);
        Assert.Equal((4, false), (report.Files, report.SourceRemoved));
        Assert.False(File.Exists(bad));
        Assert.Equal([(Half, 3), (Small, 3)], Kept().Order());
        using DocumentLibrary library = Open(Another(Small));
        Assert.Equal((1, 0), library.Ingest([Documents]) is var ingest ? (ingest.ComputedChunks, ingest.ConvertedChunks) : default);
    }

    [Fact]
    public void Wrong_use_is_refused_in_one_line()
    {
        Ingest(Small);
        Assert.Contains("no KV of fake.gguf that could be converted", Refused(Small), StringComparison.Ordinal);
        Assert.Contains("has lost", Refused(Half), StringComparison.Ordinal);
        Assert.Contains("the same policy", Refused(Half, Half), StringComparison.Ordinal);
        Assert.Contains($"no KV of fake.gguf kept as {Exact} (there is: {Small})", Refused(Half, Exact), StringComparison.Ordinal);
        Ingest(Half);
        Assert.Contains("has lost", Refused(Exact, Half), StringComparison.Ordinal);
        Ingest(Exact);
        Assert.Contains("name the one to convert", Refused("k=kivi2,v=kivi2"), StringComparison.Ordinal);
        var other = new FakeModel(sameTokenizer: Model) { Identity = "model-b", Policy = "k=kivi2,v=kivi2" };
        Assert.Contains("none of this model", Assert.Throws<InvalidInputException>(() => Convert("", model: other)).Message,
            StringComparison.Ordinal);
        Assert.Equal(5, Convert("k=kivi2,v=kivi2", new KvConversionOptions { From = KvPolicy.Parse(Exact) }).Files);
    }

    [Fact]
    public void One_process_at_a_time_converts()
    {
        Ingest(Half);
        using DocumentStore store = DocumentStore.Open(Store);
        using StoreWriter writer = store.Write();
        Assert.Contains("another process is writing", Assert.Throws<StoreWriteException>(() => Convert(Small)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Ingest_under_another_policy_converts_what_keeps_more_and_computes_what_does_not()
    {
        Ingest(Half);
        FakeModel small = Another(Small), exact = Another(Exact);
        using DocumentLibrary library = Open(small);
        IngestReport report = library.Ingest([Documents]);
        Assert.Equal((0, 4, 0), (report.ComputedChunks, report.ConvertedChunks, small.PrefilledTokens));
        using DocumentLibrary lossless = Open(exact);
        report = lossless.Ingest([Documents]);
        Assert.Equal((4, 0, 0), (report.ComputedChunks, report.ConvertedChunks, exact.Conversions));
        Assert.Equal([Half, Exact, Small], lossless.Verify().Kv.Select(shelf => shelf.Policy).Order());
        Assert.Equal((12, 0), lossless.Verify() is var check ? (check.Chunks, check.Missing) : default);
    }

    [Fact]
    public void Question_under_another_policy_places_converted_kv()
    {
        Ingest(Half);
        FakeModel small = Another(Small);
        using DocumentLibrary library = Open(small);
        Answer answer = library.Ask("Why do cats purr?", new AskOptions { Passages = 9 });
        answer.Complete();
        Assert.Equal((0, 0, 5), (answer.RecomputedTokens, small.PrefilledTokens, small.Conversions));
        Assert.Equal(answer.ReusedTokens - library.PrefixIds.Length, answer.ConvertedTokens);
        Assert.Equal([(Half, 4)], Kept());
    }

    [Theory]
    [InlineData(Small, Half)]
    [InlineData(Half, Exact)]
    public void Question_that_wants_more_than_is_kept_computes_it(string kept, string wanted)
    {
        Ingest(kept);
        FakeModel model = Another(wanted);
        using DocumentLibrary library = Open(model);
        Answer answer = library.Ask("Why do cats purr?", new AskOptions { Passages = 9 });
        answer.Complete();
        Assert.Equal((0, 0, 0), (answer.ReusedTokens, answer.ConvertedTokens, model.Conversions));
    }

    [Fact]
    public void Damaged_kv_of_another_policy_is_computed_and_stored()
    {
        Ingest(Half);
        foreach (string file in KvFiles())
        {
            File.WriteAllBytes(file, [1, 2, 3]);
        }

        FakeModel small = Another(Small);
        using DocumentLibrary library = Open(small);
        Answer answer = library.Ask("Why do cats purr?", new AskOptions { Passages = 9 });
        answer.Complete();
        Assert.Equal(0, answer.ReusedTokens);
        Assert.Contains((Small, 4), Kept());
        Assert.Equal((0, 0), library.Ingest([Documents]) is var report ? (report.ComputedChunks, report.ConvertedChunks) : default);
        Assert.DoesNotContain(library.Verify().Damaged, file => file.Path.Contains(Shelf(Small), StringComparison.Ordinal));
    }

    private FakeModel Another(string policy, StoreFiles? files = null) => new(files, Model) { Policy = policy };

    private void Ingest(string policy)
    {
        // Without what stands there under other policies, which would be converted.
        string kv = Path.Combine(Store, "kv"), away = Path.Combine(Store, "away");
        if (Directory.Exists(kv))
        {
            Directory.Move(kv, away);
        }

        using (DocumentLibrary library = Open(Another(policy)))
        {
            library.Ingest([Documents]);
        }

        foreach (string shelf in Directory.Exists(away) ? Directory.GetDirectories(away) : [])
        {
            Directory.Move(shelf, Path.Combine(kv, Path.GetFileName(shelf)));
        }

        if (Directory.Exists(away))
        {
            Directory.Delete(away);
        }
    }

    private KvConversionReport Convert(string policy, KvConversionOptions? options = null, FakeModel? model = null,
        StoreFiles? files = null, IProgress<KvConversionProgress>? progress = null, CancellationToken cancellation = default)
    {
        using DocumentStore store = DocumentStore.Open(Store, create: false, files ?? new StoreFiles());
        return store.ConvertKv(model ?? Another(policy), options ?? new KvConversionOptions(), progress, cancellation);
    }

    private string Refused(string policy, string? from = null) =>
        Assert.Throws<InvalidInputException>(() =>
            Convert(policy, new KvConversionOptions { From = from is null ? null : KvPolicy.Parse(from) })).Message;

    private List<(string Policy, int Chunks)> Kept()
    {
        using DocumentStore store = DocumentStore.Open(Store);
        return [.. store.Statistics().Kv.Select(kv => (kv.Policy, kv.Chunks)).Order()];
    }

    private string Shelf(string policy) =>
        new KvKey("", Model.Identity, Model.TokenizerIdentity, policy, Model.EncodePrefix()).FolderName();

    private sealed class Immediate(Action<KvConversionProgress> report) : IProgress<KvConversionProgress>
    {
        public void Report(KvConversionProgress value) => report(value);
    }
}
