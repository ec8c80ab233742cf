using System.Diagnostics;
using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Asking;

/// <summary>
/// Answers a question from passages (MatKV, variant M2): the shared prefix, then the stored KV of each chunk placed one behind the other with
/// the best-ranked last, then the question computed behind them. Document and question text is never parsed for special tokens.
/// </summary>
internal sealed class Asker(IAnswerModel model, KvShelf shelf, IEnumerable<KvShelf> richer, SharedPrefix prefix, bool prefixIsNew, AskOptions options, AskCosts costs)
{
    private bool _prefixIsNew = prefixIsNew;

    /// <summary>What is computed between placing and decoding.</summary>
    public static AskPhase PromptPhase(AskOptions options) => options.Recompute ? AskPhase.Recompute : AskPhase.Question;

    /// <summary>The answer, not begun: enumerating it does the work. <paramref name="clock"/> has run since the question came, and is stopped meanwhile.</summary>
    public Answer Ask(string question, IReadOnlyList<Passage> passages, Stopwatch clock, CancellationToken cancellation)
    {
        PreparedQuestion prepared = Choose(question, passages, clock);
        prepared.Answer.Run = () => Generate(prepared, cancellation);
        clock.Stop();
        return prepared.Answer;
    }

    /// <summary>Chooses the passages that the context has room for.</summary>
    /// <exception cref="InvalidInputException">The question does not fit the context.</exception>
    public PreparedQuestion Choose(string question, IReadOnlyList<Passage> passages, Stopwatch clock)
    {
        string asked = options.Instruction.Length == 0 ? question : $"{options.Instruction} {question}";
        int[] suffix = [.. model.Encode(asked, parseSpecial: false), .. model.Encode(model.Frame.Suffix, parseSpecial: true)];
        List<PromptChunk> chunks = Fit(passages, suffix.Length, options.MaxTokens);
        var answer = new Answer(question, [.. chunks.Select(chunk => chunk.Passage)]) { QuestionTokens = suffix.Length };

        // Best last: the model attends best to what stands next to the question (methods.md: .50 first, 1.00 last).
        chunks.Reverse();
        return new PreparedQuestion(answer, chunks, suffix, clock);
    }

    /// <summary>Has the KV files of a question read while others are answered.</summary>
    public void ReadAhead(PreparedQuestion question)
    {
        if (options.Recompute)
        {
            return;
        }

        using (costs.Measure(AskPhase.Loading))
        {
            foreach (PromptChunk chunk in question.Chunks)
            {
                model.ReadAhead(shelf.PathOf(chunk.Passage.KvName));
            }
        }
    }

    /// <summary>Builds the context that the question stands behind, prefix and chunks placed or nothing where all is to be computed anew, and gives both to a batch.</summary>
    /// <exception cref="InvalidInputException">The prompt does not fit the context.</exception>
    public void Begin(PreparedQuestion question, IAnswerBatch batch, Action<GeneratedPiece> onPiece, CancellationToken cancellation)
    {
        int[] prompt = [.. prefix.Ids, .. question.Chunks.SelectMany(chunk => chunk.Ids(model)), .. question.Suffix];
        IAnswerCache cache = options.Recompute ? Recompute(question.Answer, prompt.Length) : Reuse(question, cancellation);
        try
        {
            batch.Add(cache, prompt, onPiece);
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    /// <summary>To be called as soon as a question has its first token.</summary>
    public static void NoteFirstToken(PreparedQuestion question, AskOptions options)
    {
        question.Answer.TimeToFirstToken = question.Clock.Elapsed;
        question.Answer.RecomputeTime = options.Recompute ? question.Answer.TimeToFirstToken : question.Answer.RecomputeTime;
    }

    /// <summary>Loads one question and generates its answer.</summary>
    private IEnumerable<GeneratedPiece> Generate(PreparedQuestion question, CancellationToken cancellation)
    {
        question.Clock.Start();
        var pieces = new Queue<GeneratedPiece>();
        using IAnswerBatch batch = model.NewBatch(options, parallel: 1);
        Begin(question, batch, piece =>
        {
            question.Answer.Take(piece, question.Clock.Elapsed);
            pieces.Enqueue(piece.Failure is null ? piece : throw piece.Failure);
        }, cancellation);
        while (batch.Prefill())
        {
            cancellation.ThrowIfCancellationRequested();
        }

        NoteFirstToken(question, options);
        do
        {
            while (pieces.TryDequeue(out GeneratedPiece piece))
            {
                yield return piece;
            }

            cancellation.ThrowIfCancellationRequested();
        }
        while (batch.Step() || pieces.Count > 0);
    }

    private IAnswerCache Reuse(PreparedQuestion question, CancellationToken cancellation)
    {
        using AskCosts.Scope loading = costs.Measure(AskPhase.Loading);
        IAnswerCache cache = prefix.Fork();
        try
        {
            Answer answer = question.Answer;
            answer.ReusedTokens = _prefixIsNew ? 0 : prefix.Ids.Length;
            answer.RecomputedTokens = prefix.Ids.Length - answer.ReusedTokens;
            answer.KvBytesLoaded = prefix.LoadedBytes;
            _prefixIsNew = false;
            foreach (PromptChunk chunk in question.Chunks)
            {
                cancellation.ThrowIfCancellationRequested();
                Append(answer, cache, chunk, cancellation);
            }

            if (shelf.Description.TokensPerSecond is double speed)
            {
                answer.RecomputeTime = TimeSpan.FromSeconds((cache.Length + question.Suffix.Length) / speed);
            }

            return cache;
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    private IAnswerCache Recompute(Answer answer, int promptTokens)
    {
        answer.RecomputedTokens = promptTokens - answer.QuestionTokens;
        return model.NewCache();
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
            using (costs.Measure(AskPhase.Recompute))
            {
                cache.Prefill(ids, cancellation);
            }

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
}
