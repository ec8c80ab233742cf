using Kvasir.Cache;

namespace Kvasir.Generation;

/// <summary>
/// Beginnings of prompts that need not be computed again, in two tiers: caches of finished sequences in memory (<see cref="PrefixCache"/>),
/// and blocks on disk for later sessions and other processes (<see cref="PromptStore"/>).
/// </summary>
/// <param name="memoryBytes">The most bytes of caches in memory; 0 keeps none.</param>
/// <param name="disk">The tier on disk, or null.</param>
internal sealed class PrefixStore(long memoryBytes, PromptStore? disk) : IDisposable
{
    private readonly PrefixCache _memory = new(memoryBytes);

    /// <summary>What is kept in memory.</summary>
    public PrefixCache Memory => _memory;

    /// <summary>A cache in memory that shares the longest known beginning of a prompt and is of the same kind, or null.</summary>
    public KvCache? Take(List<int> prompt, int kind) => _memory.Take(prompt, kind);

    /// <summary>
    /// Brings a cache that holds some beginning of a prompt further along it with what is on disk; it may get a few tokens shorter, for the
    /// sake of whole blocks.
    /// </summary>
    public void Recall(KvCache cache, ReadOnlySpan<int> prompt) => disk?.Load(cache, prompt);

    /// <summary>
    /// How many tokens behind <paramref name="length"/> a step over a prompt is to end, so that it can be stored that far.
    /// </summary>
    public int StepRoom(int length, int promptTokens) =>
        disk is not null && PromptStore.LastBorder(promptTokens) is var border && border > length ? border - length : int.MaxValue;

    /// <summary>
    /// Told between two steps over a prompt: what is to be stored is kept from here on as it will be when it is loaded. Where a step
    /// ended within a block of the cache, the next one goes on with it.
    /// </summary>
    public void EndStep(KvCache cache, int promptTokens)
    {
        if (disk is not null && promptTokens >= PromptStore.LeastTokens && cache.Length % KvBlock.Tokens == 0) cache.Seal();
    }

    /// <summary>Stores the blocks of a long prompt that are not on disk yet.</summary>
    public void Store(KvCache cache, int promptTokens, ReadOnlySpan<int> ids)
    {
        if (promptTokens >= PromptStore.LeastTokens) disk?.Save(cache, ids);
    }

    /// <summary>Takes over a cache into memory; false where the caller keeps it.</summary>
    public bool Keep(List<int> ids, KvCache cache, int kind) => _memory.Keep(ids, cache, kind);

    /// <summary>Drops from memory what was least recently used until at most <paramref name="bytes"/> are held.</summary>
    public void Shrink(long bytes) => _memory.Shrink(bytes);

    public void Dispose() => _memory.Dispose();
}
