using System.Numerics.Tensors;
using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Calibration;

/// <summary>
/// Measures what steering single layers or heads to the span of each task's prompt does to the next token. Variants of all tasks go through
/// the model side by side.
/// </summary>
internal sealed class HeadMeasurement(Model model, IReadOnlyList<SteeringTask> tasks, IProgress<double>? progress,
    CancellationToken cancellation)
{
    private const int PassTokens = 512;

    /// <summary>
    /// Steering is chosen in so many parts of the layers: where more are steered, it harms (on SmolLM2-135M six of thirty help, all thirty
    /// harm).
    /// </summary>
    private const int LayersOfOneChosen = 5;

    public HeadProfile Run(HeadProfileOptions options)
    {
        (int layers, int heads) = (model.Config.Layers, model.Config.Heads);
        SteeredHead[] candidates = options.Heads is null
            ? [.. Enumerable.Range(0, layers).Select(layer => new SteeredHead(layer, SteeredHead.All))]
            : [.. Enumerable.Range(0, layers * heads).Select(i => new SteeredHead(i / heads, i % heads))];
        int chosen = options.Heads ?? options.Layers ?? Math.Max(1, layers / LayersOfOneChosen);
        if (chosen > candidates.Length)
            throw new InvalidInputException(
                $"{chosen} {(options.Heads is null ? "layers" : "heads")} are to be chosen, but the model has {candidates.Length}");
        if (tasks.Count == 0) throw new InvalidInputException("no prompts to measure steering on; give at least one, better ten");
        SteeringGain[] ranking = [.. Gains(candidates, options.Alpha).Select((gain, i) => new SteeringGain(candidates[i].ToString(), gain))
            .OrderByDescending(gain => gain.Gain)];
        return new HeadProfile
        {
            Model = Path.GetFileName(Path.TrimEndingDirectorySeparator(model.Path)),
            Calibration = $"{tasks.Count} prompts, each {(options.Heads is null ? "layer" : "head")} steered alone",
            Layers = layers,
            QueryHeads = heads,
            Alpha = options.Alpha,
            Heads = [.. ranking.Take(chosen).Select(gain => gain.Head)],
            Ranking = ranking,
        };
    }

    /// <summary>
    /// ln p(wanted) and ln p(other) of each task's next token; steered where there are heads. Other is NaN where there is none.
    /// </summary>
    internal (double Wanted, double Other)[] LogProbabilities(IReadOnlyList<SteeredHead>? heads, double alpha) =>
        [.. Score([.. tasks.Select(task => (task, heads is null ? null : Policy(task, heads, alpha)))])];

    /// <summary>Mean change of the score by each candidate.</summary>
    private double[] Gains(SteeredHead[] candidates, double alpha)
    {
        double[] unsteered = [.. LogProbabilities(null, alpha).Select(Margin)];
        double[] steered = [.. Score(
            [.. candidates.SelectMany(head => tasks.Select(task => (task, (SteeringPolicy?)Policy(task, [head], alpha))))]).Select(Margin)];
        return [.. steered.Chunk(tasks.Count).Select(ofHead => ofHead.Zip(unsteered, (now, before) => now - before).Average())];
    }

    private static double Margin((double Wanted, double Other) logs) => double.IsNaN(logs.Other) ? logs.Wanted : logs.Wanted - logs.Other;

    private static SteeringPolicy Policy(SteeringTask task, IReadOnlyList<SteeredHead> heads, double alpha) =>
        new() { Spans = [task.Span], Heads = heads, Alpha = alpha };

    private IEnumerable<(double Wanted, double Other)> Score(IReadOnlyList<(SteeringTask Task, SteeringPolicy? Steering)> variants)
    {
        using var batch = new Batch();
        for (int done = 0; done < variants.Count;)
        {
            cancellation.ThrowIfCancellationRequested();
            batch.Clear();
            var caches = new List<KvCache>();
            int first = done;
            try
            {
                for (; done < variants.Count && (done == first || batch.TokenCount + variants[done].Task.Ids.Count <= PassTokens); done++)
                {
                    caches.Add(model.NewCache());
                    caches[^1].Steer(variants[done].Steering, variants[done].Task.Ids.Count);
                    batch.Add(caches[^1], [.. variants[done].Task.Ids]);
                }
                model.Forward(batch, cancellation);
                for (int i = first; i < done; i++) yield return LogProbabilities(batch.Logits(i - first), variants[i].Task);
            }
            finally
            {
                foreach (KvCache cache in caches) cache.Dispose();
            }
            progress?.Report((double)done / variants.Count);
        }
    }

    private static (double, double) LogProbabilities(Span<float> logits, SteeringTask task)
    {
        double most = TensorPrimitives.Max(logits), sum = 0;
        foreach (float logit in logits) sum += Math.Exp(logit - most);
        double all = most + Math.Log(sum);
        return (logits[task.Wanted] - all, task.Other is int other ? logits[other] - all : double.NaN);
    }
}
