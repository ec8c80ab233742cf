using Kvasir.Cache;
using Kvasir.Documents.Answering;
using Kvasir.Documents.Chunking;
using Kvasir.Generation;

namespace Kvasir.Documents.Asking;

/// <summary>
/// Answers a question from passages (MatKV): the shared prefix, then the stored KV of each chunk placed one behind the other with the
/// best-ranked last, their borders repaired, then the question computed behind them. Document and question text is never parsed for special
/// tokens.
/// </summary>
internal sealed partial class Asker(
    IAnswerModel model, ChunkKvSource kv, SharedPrefix prefix, ChunkPlacement placement, double? tokensPerSecond, AskOptions options,
    AskCosts costs)
{
    /// <summary>One part of the context in so many is the most that quotes take.</summary>
    private const int QuotedPart = 4;

    /// <summary>What is computed between placing and decoding.</summary>
    public static AskPhase PromptPhase(AskOptions options) => options.Recompute ? AskPhase.Recompute : AskPhase.Question;

    /// <summary>
    /// The answer, not begun: enumerating it does the work. <paramref name="clock"/> has run since the question came, and is stopped
    /// meanwhile.
    /// </summary>
    public Answer Ask(string question, IReadOnlyList<Passage> passages, Fit fit, Stopwatch clock, CancellationToken cancellation)
    {
        PreparedQuestion prepared = Choose(question, passages, fit, clock);
        prepared.Answer.Run = () => Generate(prepared, cancellation);
        prepared.Answer.Begin = (engine, leaving) => BeginAsync(prepared, engine, leaving);
        clock.Stop();
        return prepared.Answer;
    }

    /// <summary>Chooses the passages that the context has room for.</summary>
    /// <exception cref="InvalidInputException">The question does not fit the context.</exception>
    public PreparedQuestion Choose(string question, IReadOnlyList<Passage> passages, Fit fit, Stopwatch clock)
    {
        // A picture is asked about in the question's own words: there is no text above it to find the answer in.
        bool isPicture = passages is [{ IsPicture: true }, ..];
        int[] suffix = Suffix(model, prefix.Ids.Length, question, isPicture ? options with { Instruction = "" } : options);
        if (!isPicture) suffix = [.. QuoteIds(passages, question), .. suffix];
        List<PromptChunk> chunks = ThatFit(passages, suffix.Length, options.MaxTokens);
        var answer = new Answer(question, [.. chunks.Select(chunk => chunk.Passage)])
        {
            QuestionTokens = suffix.Length,
            IsDoubtful = fit == Fit.Loose
        };

        // Best last: the model attends best to what stands next to the question (methods.md: .50 first, 1.00 last).
        chunks.Reverse();
        return new PreparedQuestion(answer, chunks, suffix, clock);
    }

    /// <summary>The ids of sentences of the passages that are said again, the best that take a small part of the context.</summary>
    private int[] QuoteIds(IReadOnlyList<Passage> passages, string question)
    {
        List<string> quotes = QuotedSentences.Find(
            passages.Select(passage => passage.Text), question, options.Quotes ?? model.UsualQuotes);
        int[][] ids = [.. quotes.Select(quote => model.Encode(Chunker.PromptText(quote), parseSpecial: false))];
        int room = (model.ContextLength - prefix.Ids.Length) / QuotedPart, first = ids.Length;
        while (first > 0 && (room -= ids[first - 1].Length) >= 0) first--;
        return [.. ids[first..].SelectMany(quote => quote)];
    }

    /// <summary>What stands behind the chunks: the question, what ends the prompt, and what the answer begins with.</summary>
    /// <exception cref="InvalidInputException">It does not fit the model's context with the prefix.</exception>
    public static int[] Suffix(IAnswerModel model, int prefixTokens, string question, AskOptions options)
    {
        int[] suffix = [.. model.Encode(options.Asked(question), parseSpecial: false),
            .. model.Encode(model.Frame.Suffix, parseSpecial: true),
            .. model.Encode(options.AnswerPrefix, parseSpecial: false)];
        return model.ContextLength - prefixTokens - suffix.Length > 0
            ? suffix
            : throw new InvalidInputException(
                $"the question has {suffix.Length} tokens; with the prompt's {prefixTokens} it does not fit the model's context of "
                + $"{model.ContextLength}");
    }

    /// <summary>Has the KV files of a question read while others are answered.</summary>
    public void ReadAhead(PreparedQuestion question)
    {
        if (options.Recompute) return;
        using (costs.Measure(AskPhase.Loading))
        {
            foreach (PromptChunk chunk in question.Chunks) kv.ReadAhead(chunk.Passage.KvName);
        }
    }

    /// <summary>
    /// Builds the context that the question stands behind, prefix and chunks placed or nothing where all is to be computed anew, and gives
    /// both to a batch.
    /// </summary>
    /// <exception cref="InvalidInputException">The prompt does not fit the context.</exception>
    /// <exception cref="DamagedKvException">A placed file is damaged: <see cref="SetAside"/>, and begin again.</exception>
    public void Begin(PreparedQuestion question, IAnswerBatch batch, Action<GeneratedPiece> onPiece, CancellationToken cancellation)
    {
        question.Answer.Restart();
        int[] prompt = PromptOf(question);
        KvCache cache = options.Recompute ? Recompute(question.Answer, prompt.Length) : Reuse(question, cancellation);
        try
        {
            batch.Add(cache, prompt, EmphasisOf(question, prompt), onPiece);
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    private int[] PromptOf(PreparedQuestion question) =>
        [.. prefix.Ids, .. question.Chunks.SelectMany(chunk => chunk.Ids(model)), .. question.Suffix];

    /// <summary>What is to be emphasised: as asked for, and the sentences of the passages that the question is about.</summary>
    private Emphasis? EmphasisOf(PreparedQuestion question, int[] prompt)
    {
        if (options.Emphasis is not { } emphasis || !options.EmphasiseTerms) return options.Emphasis;
        int first = prefix.Ids.Length;
        IEnumerable<TokenSpan> spans = model.Spans(
            prompt[first..^question.Suffix.Length], text => TellingSentences.Find(text, question.Answer.Question));
        return emphasis with { Spans = [.. spans.Select(span => new TokenSpan(first + span.First, first + span.End))] };
    }

    /// <summary>Takes a file out of use whose damage has shown in a forward pass; false where that would not help.</summary>
    public bool SetAside(DamagedKvException damage) => kv.SetAside(damage.Path);

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
        using IAnswerBatch batch = Read(question, pieces, cancellation);
        NoteFirstToken(question, options);
        do
        {
            while (pieces.TryDequeue(out GeneratedPiece piece)) yield return piece;
            cancellation.ThrowIfCancellationRequested();
        }
        while (batch.Step() || pieces.Count > 0);
    }

    /// <summary>
    /// A batch of one question that has its first token. Checksums are checked in the passes up to there, before any text: where one
    /// differs, the file is set aside and the context built anew with that chunk computed.
    /// </summary>
    private IAnswerBatch Read(PreparedQuestion question, Queue<GeneratedPiece> pieces, CancellationToken cancellation)
    {
        while (true)
        {
            IAnswerBatch batch = model.NewBatch(options.Generation, parallel: 1);
            try
            {
                Begin(question, batch, piece =>
                {
                    question.Answer.Take(piece, question.Clock.Elapsed);
                    pieces.Enqueue(piece.Failure is null ? piece : throw piece.Failure);
                }, cancellation);
                while (batch.Prefill()) cancellation.ThrowIfCancellationRequested();
                return batch;
            }
            catch (DamagedKvException damage) when (SetAside(damage))
            {
                batch.Dispose();
            }
            catch
            {
                batch.Dispose();
                throw;
            }
        }
    }

    private KvCache Reuse(PreparedQuestion question, CancellationToken cancellation, BlockPool? pool = null)
    {
        KvCache cache = prefix.Fork(pool);
        try
        {
            Answer answer = question.Answer;
            question.PrefixIsNew |= kv.TakePrefixIsNew();
            answer.RecomputedTokens = question.PrefixIsNew ? prefix.Ids.Length : 0;
            answer.ReusedTokens = prefix.Ids.Length - answer.RecomputedTokens;
            answer.KvBytesLoaded = prefix.LoadedBytes;
            var placed = new PlacedChunks(model, cache, placement);
            using (costs.Measure(AskPhase.Loading))
            {
                foreach (PromptChunk chunk in question.Chunks)
                {
                    cancellation.ThrowIfCancellationRequested();
                    placed.Add(chunk.Ids(model), computedInPlace: !TryPlace(answer, cache, chunk, cancellation));
                }
            }

            using (costs.Measure(AskPhase.Repair))
            {
                answer.RepairedTokens = placed.Repair(options.Repair, prefix.Ids, cancellation);
            }

            answer.RecomputeTime = tokensPerSecond is double speed
                ? TimeSpan.FromSeconds((cache.Length + question.Suffix.Length) / speed) : null;
            return cache;
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    private KvCache Recompute(Answer answer, int promptTokens)
    {
        answer.RecomputedTokens = promptTokens - answer.QuestionTokens;
        return model.NewCache();
    }

    /// <summary>
    /// Places the chunk's KV; a file whose damage shows at once is set aside. A model that cannot place the chunk here computes it in
    /// place: the result is false.
    /// </summary>
    private bool TryPlace(Answer answer, KvCache cache, PromptChunk chunk, CancellationToken cancellation)
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
                return true;
            }
            catch (InvalidDataException) when (found.Path is { } path && kv.SetAside(path))
            {
                // The next one to be found is another shelf's, or computed.
            }
            catch (InvalidInputException)
            {
                using (costs.Measure(AskPhase.Recompute))
                {
                    model.Prefill(cache, ids, cancellation);
                }

                answer.RecomputedTokens += ids.Length;
                return false;
            }
        }
    }

    private long Place(KvCache cache, ChunkKv found)
    {
        bool rerotate = placement != ChunkPlacement.Stacked;
        if (found.Computed is { } computed)
        {
            cache.Place(computed, kv.FirstToken, rerotate);
            return 0;
        }

        return found.IsOfAnotherPolicy ? model.PlaceConverted(cache, found.Path!) : model.Place(cache, found.Path!, rerotate);
    }

    /// <summary>The best passages that the context has room for beside the question and the answer.</summary>
    private List<PromptChunk> ThatFit(IReadOnlyList<Passage> passages, int suffixTokens, int answerTokens)
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
}
