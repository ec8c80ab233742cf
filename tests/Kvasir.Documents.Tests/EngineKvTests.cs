using Kvasir.Cache;
using Kvasir.Memory;
using Kvasir.Models;

namespace Kvasir.Documents.Tests;

/// <summary>KV on demand and damaged KV on the real engine, with a tiny model.</summary>
public sealed class EngineKvTests : IDisposable
{
    private static readonly AskOptions Options = new() { Passages = 9, MaxTokens = 24 };

    private readonly TemporaryFolder _folder = new();
    private readonly Model _model;

    public EngineKvTests()
    {
        _model = Model.Load(TinyModel.Write(_folder.Sub("tiny.gguf")), new ModelOptions { Threads = 1 });
        _folder.File("corpus/a.txt", string.Join(' ', Enumerable.Range(0, 60).Select(i => $"alpha {i}.")));
        _folder.File("corpus/b.txt", string.Join(' ', Enumerable.Range(0, 50).Select(i => $"beta {i * i}.")));
    }

    public static TheoryData<string> Policies => new("k=f16,v=f16", "k=f32,v=f32", "k=kivi4,v=kivi2");

    [Theory]
    [MemberData(nameof(Policies))]
    public void Kv_on_demand_is_the_same_bytes_and_the_same_answer(string policy)
    {
        using DocumentLibrary library = Open(policy);
        library.Ingest([_folder.Sub("corpus")]);
        string sound = library.Ask("alpha or beta?", Options).Complete();
        Dictionary<string, byte[]> files = Directory.GetFiles(_folder.Sub("store"), "*.kv", SearchOption.AllDirectories)
            .ToDictionary(file => file, File.ReadAllBytes);
        Directory.Delete(_folder.Sub("store/kv"), recursive: true);
        using (WriterLock.TryTake(library.Store.Folder))
        {
            Assert.Equal(sound, library.Ask("alpha or beta?", Options).Complete());
            Assert.False(Directory.Exists(_folder.Sub("store/kv")));
        }

        Answer answer = library.Ask("alpha or beta?", Options);
        Assert.Equal(sound, answer.Complete());
        Assert.True(answer.RecomputedTokens > 800);
        Assert.All(files, file => Assert.Equal(file.Value, File.ReadAllBytes(file.Key)));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void Announced_length_is_that_of_the_file(string policy)
    {
        var answers = new ModelAnswers(_model, KvPolicy.Parse(policy));
        int[] ids = [.. Enumerable.Range(0, 75).Select(i => i * 7 % 250)];
        using KvCache cache = answers.NewCache();
        answers.Prefill(cache, ids.AsSpan(0, 11), default);
        cache.Seal();
        answers.Prefill(cache, ids.AsSpan(11), default);
        long announced = 0;
        cache.Save(_folder.Sub("saved"), ids.AsSpan(11), 11, bytes => announced = bytes);
        Assert.Equal(new FileInfo(_folder.Sub("saved")).Length, announced);
        using (KvFile saved = KvFile.Open(_folder.Sub("saved"), _model.CacheLayout, verify: true))
        {
            Assert.Equal(saved.Bytes, answers.SavedBytes(11, 64));
        }

        foreach (string other in new[] { "k=f16,v=f16", "k=f32,v=f32", "k=kivi4,v=kivi2" })
        {
            new ModelAnswers(_model, KvPolicy.Parse(other))
                .Convert(_folder.Sub("saved"), _folder.Sub("converted"), bytes => announced = bytes);
            Assert.Equal(new FileInfo(_folder.Sub("converted")).Length, announced);
        }

        File.Delete(_folder.Sub("saved"));
        Assert.Throws<QuotaReachedException>(() =>
            cache.Save(_folder.Sub("saved"), ids.AsSpan(11), 11, _ => throw new QuotaReachedException()));
        Assert.DoesNotContain(Directory.GetFiles(_folder.Path), file => file.Contains("saved", StringComparison.Ordinal));
    }

    [Fact]
    public void Answer_comes_whatever_is_damaged()
    {
        using (DocumentLibrary library = Open("k=f16,v=f16"))
        {
            library.Ingest([_folder.Sub("corpus")]);
        }

        string sound = Ask();
        var random = new Random(4);
        foreach (string file in Directory.GetFiles(_folder.Sub("store/kv"), "*", SearchOption.AllDirectories))
        {
            for (int i = 0; i < 6; i++)
            {
                byte[] bytes = File.ReadAllBytes(file);
                bool cut = i % 2 == 0;
                bytes[random.Next(bytes.Length)] ^= (byte)(cut ? 0 : 1 << random.Next(8));
                File.WriteAllBytes(file, cut ? bytes[..random.Next(bytes.Length)] : bytes);
                Assert.Equal(sound, Ask());
            }
        }

        using DocumentLibrary after = Open("k=f16,v=f16");
        after.Ingest([_folder.Sub("corpus")]);
        Assert.Equal((0, 0), after.Verify() is var check ? (check.Missing, check.Damaged.Count) : default);
    }

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    private string Ask()
    {
        using DocumentLibrary library = Open("k=f16,v=f16");
        return library.Ask("alpha or beta?", Options).Complete();
    }

    private DocumentLibrary Open(string policy) =>
        new(DocumentStore.Open(_folder.Sub("store"), create: true), new ModelAnswers(_model, KvPolicy.Parse(policy)), new FakeEncoder(),
            300);
}
