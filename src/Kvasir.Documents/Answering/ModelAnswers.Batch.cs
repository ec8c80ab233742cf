using Kvasir.Cache;
using Kvasir.Generation;

namespace Kvasir.Documents.Answering;

internal sealed partial class ModelAnswers
{
    public IAnswerBatch NewBatch(GenerationOptions options, int parallel) => new ModelBatch(this, options, parallel);

    public GenerationStream Start(
        EngineLoop engine, AnswerContext context, GenerationOptions options, CancellationToken cancellation)
    {
        var filling = new CacheFilling(_policy, context.Parts, context.RepairedTokens, pool =>
        {
            KvCache cache = context.Fill(pool);
            try
            {
                EvictBehind(cache, cache.Length);
                cache.Files.Verify(); // here, and not between two steps of others
                return cache;
            }
            catch
            {
                cache.Dispose();
                throw;
            }
        });
        return engine.StartFilled(context.Prompt, filling, options with { Emphasis = context.Emphasis }, embeddings: null, cancellation);
    }

    /// <summary>Has tokens evicted as the policy says, but for the prompt's frame and the question.</summary>
    private void EvictBehind(KvCache cache, int question)
    {
        if (_evicting is not { } policy) return;
        cache.EvictBy(policy);
        cache.Protected = [Range.EndAt(EncodePrefix().Length), Range.StartAt(question)];
    }

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
            _of.EvictBehind(cache, cache.Length > 0 ? cache.Length : Math.Max(0, ids.Count - LikelyQuestion));
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
