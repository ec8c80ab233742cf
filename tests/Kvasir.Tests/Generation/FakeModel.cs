using Kvasir.Generation;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Tests.Generation;

/// <summary>
/// A model whose next token is a function of all tokens in the cache, so that a wrong cache shows in the text:
/// by default the text "continues the alphabet" from the last letter; a checksum of the whole history can be asked for instead.
/// </summary>
internal sealed class FakeModel : IForwardPass
{
    private readonly List<(FakeCache Cache, int[] Ids, LogitRows Rows)> _batch = [];
    private readonly List<float[]> _logits = [];

    public Func<IReadOnlyList<int>, int> Next { get; set; } = history => history[^1] == 'z' ? ByteTokenizer.End : history[^1] + 1;

    public List<int> BatchSizes { get; } = [];

    public List<int> BatchSequences { get; } = [];

    public int LiveCaches => Caches.Count;

    public HashSet<FakeCache> Caches { get; } = [];

    public long LiveBytes => Caches.Sum(cache => cache.Bytes);

    /// <summary>Called before a pass changes anything, with the caches of its batch.</summary>
    public Action<IReadOnlyList<FakeCache>>? OnRun { get; set; }

    public Tokenizer Tokenizer { get; } = new ByteTokenizer();

    public ChatTemplate? ChatTemplate => null;

    public int ContextLength { get; set; } = 1 << 20;

    /// <summary>A next token that depends on every token of the history, as a letter.</summary>
    public static int Checksum(IReadOnlyList<int> history)
    {
        uint sum = 17;
        foreach (int id in history) sum = sum * 31 + (uint)id;
        return (int)('a' + sum % 26);
    }

    public long Budget { get; set; } = long.MaxValue;

    public ISequenceCache NewCache() => new FakeCache(this);

    public long MostBytes(int tokens) => FakeCache.BytesPerToken * tokens;

    public long PassBytes(int tokens, int sequences) => sequences;

    public int MostTokens() => (int)Math.Min(ContextLength, (Budget - PassBytes(0, 1)) / FakeCache.BytesPerToken);

    public int Room(ISequenceCache cache) => Budget == long.MaxValue ? ContextLength - cache.Length : (int)((Budget - PassBytes(0, 1)) / FakeCache.BytesPerToken) - cache.Length;

    public int Recall(ISequenceCache cache, ReadOnlySpan<int> prompt) => cache.Length;

    public void EndStep(ISequenceCache cache, int promptTokens)
    {
    }

    public void Keep(ISequenceCache cache, ReadOnlySpan<int> ids)
    {
    }

    public ISequenceCache LoadCache(string path, List<int> ids, out string? messages)
    {
        string[] lines = File.ReadAllLines(path);
        messages = lines.ElementAtOrDefault(1);
        ids.AddRange(lines[0].Split(' ').Select(int.Parse));
        var cache = new FakeCache(this);
        cache.Ids.AddRange(ids);
        return cache;
    }

    public void Clear() => _batch.Clear();

    public void Add(ISequenceCache cache, ReadOnlySpan<int> ids, LogitRows rows) => _batch.Add(((FakeCache)cache, ids.ToArray(), rows));

    public void Run()
    {
        OnRun?.Invoke([.. _batch.Select(part => part.Cache)]);
        _logits.Clear();
        BatchSizes.Add(_batch.Sum(part => part.Ids.Length));
        BatchSequences.Add(_batch.Count);
        foreach ((FakeCache cache, int[] ids, LogitRows rows) in _batch)
        {
            cache.Ids.AddRange(ids);
            if (rows == LogitRows.None) continue;
            var logits = new float[ByteTokenizer.Size];
            logits[Next(cache.Ids)] = 10;
            _logits.Add(logits);
        }
    }

    public Span<float> Logits(int row) => _logits[row];

    public void Dispose() => _batch.Clear();
}

internal sealed class FakeCache : ISequenceCache
{
    public const long BytesPerToken = 100;

    private readonly FakeModel _model;

    public FakeCache(FakeModel model)
    {
        _model = model;
        model.Caches.Add(this);
    }

    public List<int> Ids { get; } = [];

    public int Length => Ids.Count;

    public long Bytes => BytesPerToken * Ids.Count;

    public long MostBytes(int tokens) => BytesPerToken * tokens;

    public ISequenceCache Fork()
    {
        var copy = new FakeCache(_model);
        copy.Ids.AddRange(Ids);
        return copy;
    }

    public void Truncate(int length) => Ids.RemoveRange(length, Ids.Count - length);

    public void Save(string path, ReadOnlySpan<int> ids, string messages) => File.WriteAllText(path, $"{string.Join(' ', ids.ToArray())}\n{messages}");

    public void Dispose() => _model.Caches.Remove(this);
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
