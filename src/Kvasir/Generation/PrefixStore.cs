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

    /// <summary>
    /// A cache in memory that shares the longest known beginning of a sequence's prompt and is of the same kind, or null.
    /// </summary>
    public KvCache? Take(ScheduledSequence sequence) =>
        Shares(sequence.Plan.Policy) ? _memory.Take(sequence.SharedIds, sequence.Plan.Kind) : null;

    /// <summary>
    /// Brings a sequence's cache further along its prompt with what is on disk; it may get a few tokens shorter, for the sake of whole
    /// blocks.
    /// </summary>
    public void Recall(ScheduledSequence sequence)
    {
        if (Shares(sequence.Cache!.Policy)) disk?.Load(sequence.Cache, CollectionsMarshal.AsSpan(sequence.SharedIds));
    }

    /// <summary>How many more tokens of a sequence's prompt a step is to end behind, so that it can be stored that far.</summary>
    public int StepRoom(ScheduledSequence sequence)
    {
        int border = disk is not null && Shares(sequence.Cache!.Policy) ? PromptStore.LastBorder(sequence.PromptTokens) : 0;
        return border > sequence.Cache!.Length ? border - sequence.Cache.Length : int.MaxValue;
    }

    /// <summary>
    /// Told between two steps over a sequence's prompt: what is to be stored is kept from here on as it will be when it is loaded. Where a
    /// step ended within a block of the cache, the next one goes on with it.
    /// </summary>
    public void EndStep(ScheduledSequence sequence)
    {
        if (IsForDisk(sequence) && sequence.Cache!.Length % KvBlock.Tokens == 0) sequence.Cache.Seal();
    }

    /// <summary>
    /// Keeps of a finished sequence what others may share: blocks of a long prompt on disk, where they are not yet, and its cache in
    /// memory, which is then no longer the sequence's.
    /// </summary>
    public void Keep(ScheduledSequence sequence)
    {
        if (sequence.Cache is not { } cache || sequence.CameFilled || !Shares(cache.Policy)) return;
        List<int> shared = sequence.SharedIds;
        if (sequence.Continuation.HasBegun && IsForDisk(sequence)) disk!.Save(cache, CollectionsMarshal.AsSpan(shared));
        if (!sequence.IsLent && _memory.Keep(shared, cache, sequence.Plan.Kind)) sequence.Cache = null;
    }

    /// <summary>Drops from memory what was least recently used until at most <paramref name="bytes"/> are held.</summary>
    public void Shrink(long bytes) => _memory.Shrink(bytes);

    public void Dispose() => _memory.Dispose();

    /// <summary>
    /// What stays of an evicted prompt depends on all of it, so its beginning is neither taken from another nor lent to one.
    /// </summary>
    private static bool Shares(KvPolicy policy) => policy.Eviction is null;

    private bool IsForDisk(ScheduledSequence sequence) =>
        disk is not null && sequence.PromptTokens >= PromptStore.LeastTokens && Shares(sequence.Cache!.Policy);
}
