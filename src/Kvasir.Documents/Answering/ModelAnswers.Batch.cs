using Kvasir.Cache;
using Kvasir.Generation;

namespace Kvasir.Documents.Answering;

internal sealed partial class ModelAnswers
{
    public IAnswerBatch NewBatch(GenerationOptions options, int parallel) => new ModelBatch(_model, options, parallel);

    private sealed class ModelBatch : IAnswerBatch
    {
        private readonly Scheduler _scheduler;
        private readonly GenerationOptions _limits;
        private readonly List<(ScheduledSequence Sequence, Action<GeneratedPiece> OnPiece)> _answers = [];

        public ModelBatch(Models.Model model, GenerationOptions options, int parallel)
        {
            _scheduler = new Scheduler(
                model, new SchedulerOptions { TokensPerStep = Math.Max(PrefillTokens, parallel), MaxRunning = parallel });
            _limits = options;
        }

        public void Add(KvCache cache, IReadOnlyList<int> ids, Emphasis? emphasis, Action<GeneratedPiece> onPiece) =>
            _answers.Add(
                (_scheduler.Add(cache, [.. ids], _limits with { Emphasis = emphasis }, text => onPiece(new GeneratedPiece(text))),
                onPiece));

        public bool Prefill() => Tell(_scheduler.Prefill());

        public bool Step() => Tell(_scheduler.Step());

        public void Dispose() => _scheduler.Dispose();

        private bool Tell(bool worked)
        {
            for (int i = _answers.Count - 1; i >= 0; i--)
            {
                (ScheduledSequence sequence, Action<GeneratedPiece> onPiece) = _answers[i];
                if (sequence.IsFinished)
                {
                    _answers.RemoveAt(i);
                    onPiece(sequence.Result is { } result
                        ? new GeneratedPiece("", result.FinishReason.ToString().ToLowerInvariant(), result.Ids.Count)
                        : new GeneratedPiece("", Failure: sequence.Failure));
                }
            }

            return worked;
        }
    }
}
