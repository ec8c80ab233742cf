using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Generation;

/// <summary>What generation needs of a model: caches, and one forward pass over a batch. Tests put a small model of their own here.</summary>
internal interface IForwardPass : IDisposable
{
    Tokenizer Tokenizer { get; }

    ChatTemplate? ChatTemplate { get; }

    int ContextLength { get; }

    /// <summary>The most bytes that all caches may hold together.</summary>
    long Budget { get; }

    ISequenceCache NewCache();

    /// <summary>The most bytes that a sequence holds while it grows to <paramref name="tokens"/>; see <see cref="KvForecast.MostBytes"/>.</summary>
    long MostBytes(int tokens);

    /// <summary>What a pass needs besides; see <see cref="KvForecast.PassBytes"/>.</summary>
    long PassBytes(int tokens, int sequences);

    /// <summary>The longest sequence that the whole budget holds.</summary>
    int MostTokens();

    /// <summary>How many more tokens of this sequence alone fit into what is left of the budget.</summary>
    int Room(ISequenceCache cache);

    /// <summary>A cache that was saved with <see cref="ISequenceCache.Save"/>, and its ids.</summary>
    ISequenceCache LoadCache(string path, List<int> ids);

    void Clear();

    void Add(ISequenceCache cache, ReadOnlySpan<int> ids, LogitRows rows);

    void Run();

    Span<float> Logits(int row);
}

/// <summary>The part of <see cref="KvCache"/> that generation uses.</summary>
internal interface ISequenceCache : IDisposable
{
    int Length { get; }

    long Bytes { get; }

    /// <summary>The most bytes it holds at any moment while it grows to <paramref name="tokens"/>; what is mapped from files counts too.</summary>
    long MostBytes(int tokens);

    ISequenceCache Fork();

    void Truncate(int length);

    void Save(string path, ReadOnlySpan<int> ids);
}
