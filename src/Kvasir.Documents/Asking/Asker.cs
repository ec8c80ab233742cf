using System.Diagnostics;
using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Asking;

/// <summary>
/// Answers a question from passages (MatKV, variant M2): the shared prefix, then the stored KV of each chunk placed one behind the other with
/// the best-ranked last, then the question computed behind them. Document and question text is never parsed for special tokens.
/// </summary>
internal sealed class Asker(IAnswerModel model, KvShelf shelf, IEnumerable<KvShelf> richer, SharedPrefix prefix, bool prefixIsNew)
{
    /// <summary>The answer, not begun: enumerating it does the work. <paramref name="clock"/> has run since the question came, and is stopped meanwhile.</summary>
    public Answer Ask(string question, IReadOnlyList<Passage> passages, AskOptions options, Stopwatch clock, CancellationToken cancellation)
    {
        int[] suffix = Suffix(model, prefix.Ids.Length, question, options);
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

    /// <summary>What stands behind the chunks: the question, and what ends the prompt.</summary>
    /// <exception cref="InvalidInputException">It does not fit the model's context with the prefix.</exception>
    public static int[] Suffix(IAnswerModel model, int prefixTokens, string question, AskOptions options)
    {
        string asked = options.Instruction.Length == 0 ? question : $"{options.Instruction} {question}";
        int[] suffix = [.. model.Encode(asked, parseSpecial: false), .. model.Encode(model.Frame.Suffix, parseSpecial: true)];
        return model.ContextLength - prefixTokens - suffix.Length > 0
            ? suffix
            : throw new InvalidInputException($"the question has {suffix.Length} tokens; with the prompt's {prefixTokens} it does not fit the model's context of {model.ContextLength}");
    }

    private IEnumerable<GeneratedPiece> Reuse(Answer answer, List<PromptChunk> chunks, int[] suffix, AskOptions options, CancellationToken cancellation)
    {
        using IAnswerCache cache = prefix.Fork();
        answer.ReusedTokens = prefixIsNew ? 0 : prefix.Ids.Length;
        answer.RecomputedTokens = prefix.Ids.Length - answer.ReusedTokens;
        answer.KvBytesLoaded = prefix.LoadedBytes;
        foreach (PromptChunk chunk in chunks)
        {
            cancellation.ThrowIfCancellationRequested();
            Append(answer, cache, chunk, cancellation);
        }

        if (shelf.Description.TokensPerSecond is double speed)
        {
            answer.RecomputeTime = TimeSpan.FromSeconds((cache.Length + suffix.Length) / speed);
        }

        foreach (GeneratedPiece piece in cache.Generate([.. prefix.Ids, .. chunks.SelectMany(chunk => chunk.Ids(model))], suffix, options, cancellation))
        {
            yield return piece;
        }
    }

    /// <summary>Places the chunk's stored KV, or that of a shelf that keeps more, converted; where there is none that can be used, its tokens are computed in place.</summary>
    private void Append(Answer answer, IAnswerCache cache, PromptChunk chunk, CancellationToken cancellation)
    {
        int before = cache.Length;
        string name = chunk.Passage.KvName;
        if (!TryPlace(shelf, name, cache, cache.Place, answer))
        {
            if (richer.Any(other => File.Exists(other.PathOf(name)) && TryPlace(other, name, cache, cache.PlaceConverted, answer)))
            {
                answer.ConvertedTokens += cache.Length - before;
                return;
            }

            int[] ids = chunk.Ids(model);
            cache.Prefill(ids, cancellation);
            answer.RecomputedTokens += ids.Length;
        }
    }

    private static bool TryPlace(KvShelf from, string name, IAnswerCache cache, Func<string, long> place, Answer answer)
    {
        int before = cache.Length;
        try
        {
            answer.KvBytesLoaded += place(from.PathOf(name));
            answer.ReusedTokens += cache.Length - before;
            return true;
        }
        catch (Exception error) when (error is InvalidDataException or InvalidInputException && cache.Length == before)
        {
            if (error is InvalidDataException)
            {
                from.SetAside(name);
            }

            return false;
        }
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
