using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;
using Kvasir.Numerics;
using Kvasir.Tests.Cache;
using Kvasir.Tokenization;

namespace Kvasir.Tests.Generation;

/// <summary>
/// A model whose next token is a function of all tokens in the cache, so that a wrong cache shows in the text: by default the text
/// "continues the alphabet" from the last letter; a checksum of the whole history can be asked for instead. Its caches are real ones: one
/// head, whose keys are the ids.
/// </summary>
internal sealed class FakeModel : IForwardEngine
{
    private const int Channels = 16;

    /// <summary>Bytes of a block of 32 tokens.</summary>
    public const long BlockBytes = KvBlock.Tokens * 2 * Channels * sizeof(float);

    private static readonly KvPolicy Exact = KvPolicy.Parse("k=f32,v=f32");

    public Func<IReadOnlyList<int>, int> Next { get; set; } = history => history[^1] == 'z' ? ByteTokenizer.End : history[^1] + 1;

    public List<int> BatchSizes { get; } = [];

    public List<int> BatchSequences { get; } = [];

    /// <summary>Where all its caches' blocks come from; blocks that are left tell of a cache that was not freed.</summary>
    public BlockPool Pool { get; private set; } = new();

    /// <summary>Called before a pass changes anything, with what the caches of its batch hold.</summary>
    public Action<IReadOnlyList<int[]>>? OnRun { get; set; }

    public ByteTokenizer Tokenizer { get; } = new();

    public int ContextLength { get; set; } = 1 << 20;

    public KvLayout CacheLayout { get; } =
        new([new LayerLayout(1, Channels, Channels, int.MaxValue, new Rotary([], interleaved: false))],
            AttentionKernels.For(KernelPath.Vector128), () => "fake", () => "bytes");

    /// <summary>The most bytes that its caches and a pass may hold together.</summary>
    public long Budget { init => Pool = new BlockPool(value); }

    public Scheduler NewScheduler(SchedulerOptions? options = null) => new(this, Tokenizer, Pool, options, Exact);

    public Session NewSession() => new(this, Tokenizer, null, NewCache());

    public Session LoadSession(string path) => Session.Load(this, Tokenizer, null, path, null, Pool);

    /// <summary>A next token that depends on every token of the history, as a letter.</summary>
    public static int Checksum(IReadOnlyList<int> history)
    {
        uint sum = 17;
        foreach (int id in history) sum = sum * 31 + (uint)id;
        return (int)('a' + sum % 26);
    }

    public KvCache NewCache() => new(CacheLayout, Exact, Pool);

    /// <summary>A cache of these tokens.</summary>
    public KvCache Filled(params ReadOnlySpan<int> ids)
    {
        KvCache cache = NewCache();
        Append(cache, ids.ToArray());
        return cache;
    }

    public KvForecast Forecast(KvPolicy? policy = null) => new(CacheLayout, policy ?? Exact, workers: 1, sliceTokens: 512);

    public void Forward(Batch batch, CancellationToken cancellation = default)
    {
        OnRun?.Invoke([.. batch.Entries.Select(entry => IdsOf(entry.Cache))]);
        BatchSizes.Add(batch.TokenCount);
        BatchSequences.Add(batch.Entries.Count);
        batch.PrepareLogits(ByteTokenizer.Size);
        int row = 0;
        foreach (BatchEntry entry in batch.Entries)
        {
            Append(entry.Cache, [.. Enumerable.Range(entry.FirstId, entry.Count).Select(batch.Id)]);
            int[] ids = IdsOf(entry.Cache);
            int rows = entry.Rows switch { LogitRows.None => 0, LogitRows.Last => 1, _ => entry.Count };
            for (int end = ids.Length - rows + 1; end <= ids.Length; end++)
            {
                Span<float> logits = batch.Logits(row++);
                logits.Clear();
                logits[Next(ids[..end])] = 10;
            }
        }
    }

    /// <summary>The ids that a cache holds.</summary>
    public static unsafe int[] IdsOf(KvCache cache)
    {
        var ids = new List<int>();
        HeadCache head = cache.Layers[0].Heads[0];
        float* keys = stackalloc float[KvBlock.Tokens * Channels], values = stackalloc float[KvBlock.Tokens * Channels];
        foreach (KvSegment segment in head.Segments)
            for (int b = 0; b < segment.BlockCount; b++)
            {
                segment.Codec.Decode(segment.Keys(b), keys, values, default);
                for (int t = 0; t < segment.CountIn(b); t++) ids.Add((int)keys[t]);
            }
        for (int b = 0; b < head.Tail.BlockCount; b++)
            for (int t = 0; t < head.Tail.CountIn(b); t++) ids.Add((int)head.Tail.Keys(b)[t]);
        return [.. ids];
    }

    private static void Append(KvCache cache, int[] ids) =>
        cache.Append(ids.Length, seal: true, (_, _, token, key, _) => key[0] = ids[token]);
}

/// <summary>Every byte is a token; 256 ends a text.</summary>
internal sealed class ByteTokenizer : Tokenizer
{
    public const int End = 256;
    public const int Size = 257;
    private static readonly byte[] AllBytes = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];

    public override int VocabularySize => Size;

    public override int BeginOfText => -1;

    public override int EndOfText => End;

    public override bool AddsBeginOfText => false;

    public override string Identity => "bytes";

    public override int[] Encode(ReadOnlySpan<char> text, bool parseSpecial = true, bool addSpecial = false) =>
        [.. Encoding.UTF8.GetBytes(text.ToString()).Select(value => (int)value)];

    public override ReadOnlySpan<byte> Bytes(int id) => id == End ? [] : AllBytes.AsSpan(id, 1);

    public override bool IsSpecial(int id) => id == End;

    public override bool IsEndOfGeneration(int id) => id == End;

    public override int Find(string token) => -1;

    public override string Decode(ReadOnlySpan<int> ids, bool skipSpecial = false) =>
        Encoding.UTF8.GetString([.. ids.ToArray().Where(id => id != End).Select(id => (byte)id)]);
}
