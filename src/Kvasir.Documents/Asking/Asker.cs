using System.Diagnostics;
using Kvasir.Cache;

namespace Kvasir.Documents.Asking;

/// <summary>
/// Answers a question from passages (MatKV, variant M2): the shared prefix, then the stored KV of each chunk placed one behind the other with
/// the best-ranked last, then the question computed behind them. Document and question text is never parsed for special tokens.
/// </summary>
internal sealed class Asker(IAnswerModel model, ChunkKvSource kv, SharedPrefix prefix, double? tokensPerSecond)
{
    /// <summary>The answer, not begun: enumerating it does the work. <paramref name="clock"/> has run since the question came, and is stopped meanwhile.</summary>
    public Answer Ask(string question, IReadOnlyList<Passage> passages, AskOptions options, Stopwatch clock, CancellationToken cancellation)
    {
        string asked = options.Instruction.Length == 0 ? question : $"{options.Instruction} {question}";
        int[] suffix = [.. model.Encode(asked, parseSpecial: false), .. model.Encode(model.Frame.Suffix, parseSpecial: true)];
        List<PromptChunk> chunks = Fit(passages, suffix.Length, options.MaxTokens);
        clock.Stop();
        return new Answer([.. chunks.Select(chunk => chunk.Passage)], answer =>
        {
            // Best last: the model attends best to what stands next to the question (methods.md: .50 first, 1.00 last).
            List<PromptChunk> placed = [.. Enumerable.Reverse(chunks)];
            answer.QuestionTokens = suffix.Length;
            return Timed(answer, clock, options.Recompute ? Recompute(answer, placed, suffix, options, cancellation) : Reuse(answer, placed, suffix, options, cancellation), options.Recompute);
        });
    }

    /// <summary>
    /// Checksums are checked in the first pass over the placed KV, before any text: where one differs, the file is set aside and the context built
    /// anew with that chunk computed.
    /// </summary>
    private IEnumerable<GeneratedPiece> Reuse(Answer answer, List<PromptChunk> chunks, int[] suffix, AskOptions options, CancellationToken cancellation)
    {
        for (bool begun = false; !begun;)
        {
            using IEnumerator<GeneratedPiece> pieces = Generate(answer, chunks, suffix, options, cancellation).GetEnumerator();
            bool more;
            try
            {
                more = pieces.MoveNext();
                begun = true;
            }
            catch (DamagedKvException error) when (kv.SetAside(error.Path))
            {
                continue;
            }

            for (; more; more = pieces.MoveNext())
            {
                yield return pieces.Current;
            }
        }
    }

    private IEnumerable<GeneratedPiece> Generate(Answer answer, List<PromptChunk> chunks, int[] suffix, AskOptions options, CancellationToken cancellation)
    {
        using IAnswerCache cache = prefix.Fork();
        answer.RecomputedTokens = kv.PrefixIsNew ? prefix.Ids.Length : 0;
        answer.ReusedTokens = prefix.Ids.Length - answer.RecomputedTokens;
        answer.ConvertedTokens = 0;
        answer.KvBytesLoaded = prefix.LoadedBytes;
        foreach (PromptChunk chunk in chunks)
        {
            cancellation.ThrowIfCancellationRequested();
            Append(answer, cache, chunk, cancellation);
        }

        answer.RecomputeTime = tokensPerSecond is double speed ? TimeSpan.FromSeconds((cache.Length + suffix.Length) / speed) : null;
        foreach (GeneratedPiece piece in cache.Generate([.. prefix.Ids, .. chunks.SelectMany(chunk => chunk.Ids(model))], suffix, options, cancellation))
        {
            yield return piece;
        }
    }

    /// <summary>Places the chunk's KV; a file whose damage shows at once is set aside, and a model that cannot place the chunk here computes it in place.</summary>
    private void Append(Answer answer, IAnswerCache cache, PromptChunk chunk, CancellationToken cancellation)
    {
        int[] ids = chunk.Ids(model);
        while (true)
        {
            using ChunkKv found = kv.Get(chunk.Passage.KvName, ids, cancellation);
            try
            {
                answer.KvBytesLoaded += Place(cache, found);
                answer.ReusedTokens += found.IsNew ? 0 : ids.Length;
                answer.RecomputedTokens += found.IsNew ? ids.Length : 0;
                answer.ConvertedTokens += found.IsOfAnotherPolicy ? ids.Length : 0;
                return;
            }
            catch (InvalidDataException) when (found.Path is { } path && kv.SetAside(path))
            {
                // The next one to be found is another shelf's, or computed.
            }
            catch (InvalidInputException error) when (error is not DamagedKvException)
            {
                cache.Prefill(ids, cancellation);
                answer.RecomputedTokens += ids.Length;
                return;
            }
        }
    }

    private long Place(IAnswerCache cache, ChunkKv found)
    {
        if (found.Computed is { } computed)
        {
            cache.Place(computed, prefix.Ids.Length);
            return 0;
        }

        return found.IsOfAnotherPolicy ? cache.PlaceConverted(found.Path!) : cache.Place(found.Path!);
    }

    private IEnumerable<GeneratedPiece> Recompute(Answer answer, List<PromptChunk> chunks, int[] suffix, AskOptions options, CancellationToken cancellation)
    {
        int[] prompt = [.. prefix.Ids, .. chunks.SelectMany(chunk => chunk.Ids(model)), .. suffix];
        answer.RecomputedTokens = prompt.Length - suffix.Length;
        using IAnswerCache cache = model.NewCache();
        foreach (GeneratedPiece piece in cache.Generate([], prompt, options, cancellation))
        {
            yield return piece;
        }
    }

    private static IEnumerable<GeneratedPiece> Timed(Answer answer, Stopwatch clock, IEnumerable<GeneratedPiece> pieces, bool recompute)
    {
        clock.Start();
        bool first = true;
        foreach (GeneratedPiece piece in pieces)
        {
            if (first)
            {
                answer.TimeToFirstToken = clock.Elapsed;
                answer.RecomputeTime = recompute ? answer.TimeToFirstToken : answer.RecomputeTime;
                first = false;
            }

            answer.TotalTime = clock.Elapsed;
            yield return piece;
        }

        answer.TotalTime = clock.Elapsed;
    }

    /// <summary>The best passages that the context has room for beside the question and the answer.</summary>
    private List<PromptChunk> Fit(IReadOnlyList<Passage> passages, int suffixTokens, int answerTokens)
    {
        int room = model.ContextLength - prefix.Ids.Length - suffixTokens;
        if (room <= 0)
        {
            throw new InvalidInputException($"the question has {suffixTokens} tokens; with the prompt's {prefix.Ids.Length} it does not fit the model's context of {model.ContextLength}");
        }

        // An answer limit near the whole context must not push all passages out.
        room -= Math.Min(answerTokens, room / 4);
        var chunks = new List<PromptChunk>();
        foreach (PromptChunk chunk in passages.Select(passage => new PromptChunk(passage)))
        {
            int tokens = chunk.Ids(model).Length;
            if (tokens <= room)
            {
                room -= tokens;
                chunks.Add(chunk);
            }
        }

        return chunks;
    }

    private sealed class PromptChunk(Passage passage)
    {
        private int[]? _ids;

        public Passage Passage => passage;

        public int[] Ids(IAnswerModel model) => _ids ??= model.Encode(Chunking.Chunker.PromptText(passage.Text), parseSpecial: false);
    }
}
