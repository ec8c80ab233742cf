using System.Diagnostics;
using Kvasir.Cache;

namespace Kvasir.Documents.Asking;

/// <summary>
/// Answers many questions, several at a time: their tokens are decoded together, and while they are, the next question is retrieved and the
/// operating system told to read its KV files. Prompts are computed in passes of their own, so that each phase's cost is known.
/// </summary>
internal sealed class QuestionStream(Asker asker, IAnswerModel model, Func<string, IReadOnlyList<Passage>?> retrieve, AskOptions options, int parallel, AskCosts costs, CancellationToken cancellation)
{
    private readonly Queue<Answer> _inOrder = new();
    private readonly List<PreparedQuestion> _begun = [], _reading = [];
    private readonly Queue<PreparedQuestion> _again = new();
    private IAnswerBatch _batch = model.NewBatch(options, parallel);
    private PreparedQuestion? _next;
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
                while (_inOrder.TryPeek(out Answer? first) && first.IsFinished)
                {
                    yield return _inOrder.Dequeue();
                }
            }

            foreach (Answer answer in _inOrder.Where(answer => answer.IsFinished))
            {
                yield return answer;
            }
        }
        finally
        {
            costs.Stop();
            _batch.Dispose();
        }

        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Fills the places that are free, prepares one question more, and decodes one token of every answer; false where nothing is left.</summary>
    private bool Advance(IEnumerator<string> left)
    {
        try
        {
            while (_begun.Count < parallel && Next(left) is { } question)
            {
                Begin(question);
            }

            Read();
            _next ??= Prepare(left);
            using (costs.Measure(AskPhase.Decoding))
            {
                return _batch.Step() || _next is not null || _inOrder.Count > 0;
            }
        }
        catch (DamagedKvException damage) when (asker.SetAside(damage))
        {
            // The pass has ended all answers that took part. None of them has been given out: they begin anew.
            _batch.Dispose();
            _batch = model.NewBatch(options, parallel);
            _begun.ForEach(_again.Enqueue);
            _begun.Clear();
            _reading.Clear();
            return true;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>The next question to begin, or to begin again; null where there is none left.</summary>
    private PreparedQuestion? Next(IEnumerator<string> left)
    {
        if (_again.TryDequeue(out PreparedQuestion? question))
        {
            return question;
        }

        question = _next ?? Prepare(left);
        _next = null;
        return question;
    }

    /// <summary>The next question that is to be put to the model; those that nothing fits are answered, those that cannot be answered failed on the way. Null where there is none left.</summary>
    private PreparedQuestion? Prepare(IEnumerator<string> left)
    {
        while (left.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            var clock = Stopwatch.StartNew();
            try
            {
                IReadOnlyList<Passage>? passages;
                using (costs.Measure(AskPhase.Retrieval))
                {
                    passages = retrieve(left.Current);
                }

                if (passages is null)
                {
                    Enqueue(Answer.Irrelevant(left.Current.Trim(), clock.Elapsed));
                    continue;
                }

                PreparedQuestion question = asker.Choose(left.Current.Trim(), passages, clock);
                asker.ReadAhead(question);
                clock.Stop();
                Enqueue(question.Answer);
                return question;
            }
            catch (InvalidInputException error)
            {
                Enqueue(Answer.Failed(left.Current, error));
            }
        }

        return null;
    }

    private void Enqueue(Answer answer)
    {
        answer.Index = _asked++;
        _inOrder.Enqueue(answer);
    }

    private void Begin(PreparedQuestion question)
    {
        question.Clock.Start();
        _begun.Add(question);
        try
        {
            asker.Begin(question, _batch, piece => Take(question, piece), cancellation);
            _reading.Add(question);
        }
        catch (InvalidInputException error) when (error is not DamagedKvException)
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
            while (_batch.Prefill())
            {
                cancellation.ThrowIfCancellationRequested();
            }
        }

        foreach (PreparedQuestion question in _reading)
        {
            Asker.NoteFirstToken(question, options);
        }

        _reading.Clear();
    }

    private void Take(PreparedQuestion question, GeneratedPiece piece)
    {
        question.Answer.Take(piece, question.Clock.Elapsed);
        if (question.Answer.IsFinished)
        {
            _begun.Remove(question);
        }
    }
}
