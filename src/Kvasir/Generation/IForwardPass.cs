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

    /// <summary>A cache that was saved with <see cref="ISequenceCache.Save"/>, its ids and the messages saved with it; those are null where there are none.</summary>
    ISequenceCache LoadCache(string path, List<int> ids, out string? messages);

    /// <summary>Brings a cache that holds some beginning of a prompt further along it with what is stored on disk, where something is.</summary>
    /// <returns>How much of the prompt the cache holds now; may be a few tokens less than before, for the sake of whole blocks.</returns>
    int Recall(ISequenceCache cache, ReadOnlySpan<int> prompt);

    /// <summary>Told between two prefill steps of a prompt: what is to be stored is kept from here on as it will be when it is loaded.</summary>
    void EndStep(ISequenceCache cache, int promptTokens);

    /// <summary>Stores the blocks of a long prompt that are not on disk yet.</summary>
    void Keep(ISequenceCache cache, ReadOnlySpan<int> ids);

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

    /// <summary>Saves the cache, which stays as it is, and messages in one file, as a whole or not at all.</summary>
    void Save(string path, ReadOnlySpan<int> ids, string messages);
}
