using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Generation;

/// <summary>
/// One forward pass of a <see cref="Scheduler"/>: which tokens of which sequences take part, and what each makes of its logits.
/// </summary>
/// <param name="engine">Runs the pass.</param>
/// <param name="tokens">Tokens of a pass, at most, but for one of each decoding sequence.</param>
/// <param name="prefixes">Told how far prompts are computed.</param>
internal sealed class StepBatch(IForwardEngine engine, int tokens, PrefixStore prefixes) : IDisposable
{
    private readonly Batch _batch = new();
    private readonly List<Share> _shares = [];
    private readonly List<int> _withDraft = [];

    /// <summary>Passes over prompts end at multiples of so many tokens; 0: wherever the pass's tokens do.</summary>
    public int PromptBorders { get; set; }

    /// <summary>
    /// First the newest token of every decoding sequence and drafts of the next ones, then prompts in the order they came, as far as the
    /// pass's tokens go; false where nothing takes part.
    /// </summary>
    /// <param name="running">The sequences, in the order they came.</param>
    /// <param name="decoding">Whether sequences take part that are past their prompts.</param>
    public bool Fill(List<ScheduledSequence> running, bool decoding)
    {
        Clear();
        int sequences = 0;
        foreach (ScheduledSequence sequence in running)
            if (decoding && sequence.IsDecoding) sequences++;
        int left = tokens - sequences;
        foreach (ScheduledSequence sequence in running)
        {
            if (!decoding || !sequence.IsDecoding) continue;
            ReadOnlySpan<int> draft = Draft(sequence, left, sequences);
            Add(sequence, 1, draft);
            left -= draft.Length;
        }

        foreach (ScheduledSequence sequence in running)
        {
            if (sequence.IsDecoding || left == 0) continue;
            int count = Math.Min(left, sequence.Pending.Length);
            if (PromptBorders > 0) count = Math.Min(count, PromptBorders - sequence.Cache!.Length % PromptBorders);
            count = Math.Min(count, prefixes.StepRoom(sequence));
            if (engine.ComputesRunsWhole) count = EmbeddedRuns.Together(sequence.Pending, count);
            Add(sequence, count);
            left -= Math.Min(left, count);
        }

        return left < tokens;
    }

    /// <summary>
    /// Runs the batch. A pass that throws leaves its caches as they were, so each sequence of it then runs by itself and without a draft,
    /// and only those fail whose own pass throws.
    /// </summary>
    public void Run()
    {
        if (TryRun() is not { } failure) return;
        if (_shares is [{ Drafted: 0 } only])
        {
            only.Sequence.Fail(failure);
            return;
        }
        foreach (Share share in _shares.ToArray())
        {
            Clear();
            Add(share.Sequence, share.Tokens);
            if (TryRun() is { } own) share.Sequence.Fail(own);
        }
    }

    /// <summary>One forward pass, and the next token of each sequence that has got its logits; what it threw, or null.</summary>
    private Exception? TryRun()
    {
        try
        {
            engine.Forward(_batch);
        }
        catch (Exception failure)
        {
            return failure;
        }

        int row = 0;
        for (int i = 0; i < _shares.Count; i++)
        {
            (ScheduledSequence sequence, _, int drafted, bool reachesEnd) = _shares[i];
            if (reachesEnd)
            {
                Advance(sequence, row, drafted, _batch.Entries[i].FirstId + 1);
                row += 1 + drafted;
            }
            else prefixes.EndStep(sequence);
        }
        return null;
    }

    /// <summary>
    /// Takes a token from the sequence's first row of logits, and one from each row behind it as long as they are those of the draft that
    /// the rows were computed with; what else was computed of it is forgotten.
    /// </summary>
    private void Advance(ScheduledSequence sequence, int row, int drafted, int firstDraft)
    {
        int known = sequence.Cache!.Length - drafted, taken = 0;
        do Advance(sequence, _batch.Logits(row + taken++));
        while (taken <= drafted && sequence is { Failure: null, Continuation.Finish: null }
            && sequence.Ids[^1] == _batch.Id(firstDraft + taken - 1));
        if (drafted == 0) return;
        sequence.Cache.Truncate(known + taken - 1);
        sequence.Continuation.AcceptedDraftTokens += taken - 1;
        sequence.Continuation.Drafts!.Learn(drafted, taken - 1);
    }

    private static void Advance(ScheduledSequence sequence, Span<float> logits)
    {
        string piece;
        try
        {
            piece = sequence.Continuation.Take(logits, sequence.Ids, sequence.Plan.ContextLength);
        }
        catch (Exception unusable) when (unusable is InvalidOperationException or InvalidInputException)
        {
            sequence.Fail(unusable);
            return;
        }

        sequence.Emit(piece);
    }

    /// <summary>
    /// What may come next of a sequence. What a policy observes, evicts or encodes cannot be taken back, so drafts end before it does.
    /// </summary>
    private static ReadOnlySpan<int> Draft(ScheduledSequence sequence, int room, int sequences)
    {
        KvCache cache = sequence.Cache!;
        if (sequence.Continuation.Drafts is not { } drafts || cache.Policy.Eviction is not null) return [];
        room = Math.Min(Math.Min(room, cache.FloatRoom - 1),
            Math.Min(sequence.Continuation.Left - 1, sequence.Plan.ContextLength - sequence.Ids.Count));
        return room > 0 ? drafts.Propose(CollectionsMarshal.AsSpan(sequence.Ids), room, sequences) : [];
    }

    public void Dispose() => _batch.Dispose();

    private void Clear()
    {
        _batch.Clear();
        _shares.Clear();
    }

    private void Add(ScheduledSequence sequence, int count, ReadOnlySpan<int> draft = default)
    {
        bool reachesEnd = count == sequence.Pending.Length;
        _shares.Add(new Share(sequence, count, draft.Length, reachesEnd));
        if (draft.IsEmpty)
        {
            _batch.Add(sequence.Cache!, sequence.Pending[..count], reachesEnd ? LogitRows.Last : LogitRows.None, sequence.Embeddings);
            return;
        }
        _withDraft.Clear();
        _withDraft.AddRange(sequence.Pending);
        _withDraft.AddRange(draft);
        _batch.Add(sequence.Cache!, CollectionsMarshal.AsSpan(_withDraft), LogitRows.All, sequence.Embeddings);
    }

    /// <summary>What a sequence has in the batch.</summary>
    /// <param name="Sequence">The sequence.</param>
    /// <param name="Tokens">How many of its pending tokens.</param>
    /// <param name="Drafted">How many that may come behind them.</param>
    /// <param name="ReachesEnd">Whether none stays pending, so that logits are wanted.</param>
    private readonly record struct Share(ScheduledSequence Sequence, int Tokens, int Drafted, bool ReachesEnd);
}
