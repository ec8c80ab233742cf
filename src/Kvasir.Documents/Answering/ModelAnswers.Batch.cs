using Kvasir.Cache;
using Kvasir.Generation;

namespace Kvasir.Documents.Answering;

internal sealed partial class ModelAnswers
{
    public IAnswerBatch NewBatch(GenerationOptions options, int parallel) => new ModelBatch(this, options, parallel);

    private sealed class ModelBatch : IAnswerBatch
    {
        /// <summary>Tokens of a question, where everything is computed together with it.</summary>
        private const int LikelyQuestion = 96;

        private readonly Scheduler _scheduler;
        private readonly GenerationOptions _limits;
        private readonly List<(ScheduledSequence Sequence, Action<GeneratedPiece> OnPiece)> _answers = [];

        private readonly ModelAnswers _of;

        public ModelBatch(ModelAnswers of, GenerationOptions options, int parallel)
        {
            _of = of;
            _scheduler = new Scheduler(
                of._model, new SchedulerOptions { TokensPerStep = Math.Max(PrefillTokens, parallel), MaxRunning = parallel });
            _limits = options;
        }

        public void Add(KvCache cache, IReadOnlyList<int> ids, Emphasis? emphasis, Action<GeneratedPiece> onPiece)
        {
            if (_of._evicting is { } policy)
            {
                cache.EvictBy(policy);
                int question = cache.Length > 0 ? cache.Length : Math.Max(0, ids.Count - LikelyQuestion);
                cache.Protected = [Range.EndAt(_of.EncodePrefix().Length), Range.StartAt(question)];
            }
            _answers.Add(
                (_scheduler.Add(cache, [.. ids], _limits with { Emphasis = emphasis }, text => onPiece(new GeneratedPiece(text)),
                _of.Pictures?.Of([.. ids.Skip(cache.Length)])), onPiece));
        }

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
