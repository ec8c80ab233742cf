using Kvasir.Cache;
using Kvasir.Documents.Answering;

namespace Kvasir.Documents.Asking;

/// <summary>The passages that a question is to be answered from, and how well they fit; null where none does.</summary>
internal delegate IReadOnlyList<Passage>? Retrieval(string question, out Fit fit);

/// <summary>
/// Answers many questions, several at a time: their tokens are decoded together, and while they are, the next questions are retrieved and
/// the operating system told to read their KV files. Prompts are computed in passes of their own, so that each phase's cost is known; a few
/// at once, which costs a quarter less than one by one (SmolLM2-135M, 24 tokens each: 14 instead of 20 ms).
/// </summary>
internal sealed class QuestionStream(
    Asker asker, IAnswerModel model, Retrieval retrieve, AskOptions options, int parallel, AskCosts costs, CancellationToken cancellation)
{
    /// <summary>Questions whose prompts are computed in one pass: whole prompts are long enough to be computed one by one.</summary>
    private readonly int _together = options.Recompute ? 1 : Math.Clamp(parallel / 4, 1, 4);

    private readonly Queue<Answer> _inOrder = new();
    private readonly List<PreparedQuestion> _ahead = [], _begun = [], _reading = [];
    private readonly IAnswerBatch _batch = model.NewBatch(options.Generation, parallel);
    private bool _allTaken;
    private int _asked;

    /// <summary>The answers, in the order of the questions. Cancelled, those that are finished still come, then the exception.</summary>
    public IEnumerable<Answer> Run(IEnumerable<string> questions)
    {
        using IEnumerator<string> left = questions.GetEnumerator();
        costs.Start();
        try
        {
            while (!cancellation.IsCancellationRequested && Advance(left))
            {
                while (_inOrder.TryPeek(out Answer? first) && first.IsFinished) yield return _inOrder.Dequeue();
            }

            foreach (Answer answer in _inOrder.Where(answer => answer.IsFinished)) yield return answer;
        }
        finally
        {
            costs.Stop();
            _batch.Dispose();
        }

        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>
    /// Fills free places once there are enough of them, prepares one question more, and decodes one token of every answer; false where
    /// nothing is left.
    /// </summary>
    private bool Advance(IEnumerator<string> left)
    {
        try
        {
            if (_begun.Count == 0 || _begun.Count <= parallel - _together) Fill(left);
            if (_ahead.Count < _together) Prepare(left);
            using (costs.Measure(AskPhase.Decoding))
            {
                return _batch.Step() || _ahead.Count > 0 || !_allTaken || _inOrder.Count > 0;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Begins a question in every free place.</summary>
    private void Fill(IEnumerator<string> left)
    {
        while (_begun.Count < parallel && (_ahead.Count > 0 || Prepare(left)))
        {
            if (_ahead.Count > 0)
            {
                PreparedQuestion question = _ahead[0];
                _ahead.RemoveAt(0);
                Begin(question);
            }

            if (_reading.Count == _together) Read();
        }

        Read();
    }

    /// <summary>
    /// Takes the next question. Afterwards it waits with its passages; or, where nothing fits it or it cannot be put, it is answered. False
    /// where there is none.
    /// </summary>
    private bool Prepare(IEnumerator<string> left)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_allTaken || !left.MoveNext())
        {
            _allTaken = true;
            return false;
        }

        var clock = Stopwatch.StartNew();
        try
        {
            IReadOnlyList<Passage>? passages;
            Fit fit;
            using (costs.Measure(AskPhase.Retrieval))
            {
                passages = retrieve(left.Current, out fit);
            }

            if (passages is null)
            {
                Enqueue(Answer.Irrelevant(left.Current.Trim(), clock.Elapsed));
                return true;
            }

            PreparedQuestion question = asker.Choose(left.Current.Trim(), passages, fit, clock);
            asker.ReadAhead(question);
            clock.Stop();
            Enqueue(question.Answer);
            _ahead.Add(question);
        }
        catch (KvasirException error)
        {
            Enqueue(Answer.Failed(left.Current, error));
        }

        return true;
    }

    private void Enqueue(Answer answer)
    {
        answer.Index = _asked++;
        _inOrder.Enqueue(answer);
    }

    /// <summary>Builds the context of a question and adds it to the batch; fails it where that cannot be.</summary>
    private void Begin(PreparedQuestion question)
    {
        question.Clock.Start();
        _begun.Add(question);
        try
        {
            asker.Begin(question, _batch, piece => Take(question, piece), cancellation);
            _reading.Add(question);
        }
        catch (DamagedKvException damage) when (asker.SetAside(damage))
        {
            Restart(question);
        }
        catch (InvalidInputException error)
        {
            question.Answer.Fail(error);
            _begun.Remove(question);
        }
    }

    /// <summary>Computes the prompts of the questions that have just begun, up to their first tokens.</summary>
    private void Read()
    {
        using (costs.Measure(Asker.PromptPhase(options)))
        {
            while (_batch.Prefill()) cancellation.ThrowIfCancellationRequested();
        }

        foreach (PreparedQuestion question in _reading) Asker.NoteFirstToken(question, options);
        _reading.Clear();
    }

    /// <summary>
    /// A file under the question was damaged and is set aside: the context is built anew. Nothing of its answer has been given out, since
    /// files are checked before its first token.
    /// </summary>
    private void Restart(PreparedQuestion question)
    {
        _begun.Remove(question);
        _reading.Remove(question);
        _ahead.Insert(0, question);
    }

    private void Take(PreparedQuestion question, GeneratedPiece piece)
    {
        if (piece.Failure is DamagedKvException damage && asker.SetAside(damage))
        {
            Restart(question);
            return;
        }

        question.Answer.Take(piece, question.Clock.Elapsed);
        if (question.Answer.IsFinished) _begun.Remove(question);
    }
}
