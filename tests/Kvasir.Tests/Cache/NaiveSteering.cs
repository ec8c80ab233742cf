using Kvasir.Cache;

namespace Kvasir.Tests.Cache;

/// <summary>Steering as the official library defines it: how often ln(alpha) was added to each key, by going through the spans.</summary>
internal static class NaiveSteering
{
    /// <summary>What is added to the score of a key in a steered head.</summary>
    public static double Bias(SteeringPolicy policy, int promptTokens, int key)
    {
        if (key >= promptTokens) return 0;
        int times = 0;
        foreach (TokenSpan span in policy.Spans)
        {
            bool inside = key >= span.First && key < span.End;
            times += policy.Mode switch { SteeringMode.Exclude => inside ? 0 : 1, SteeringMode.Include => inside ? 1 : 0, _ => 1 };
        }
        if (policy.Mode == SteeringMode.Include) times--;
        double alpha = policy.Alpha ?? (policy.Mode == SteeringMode.Include ? 100 : 0.01);
        return times * Math.Log(alpha);
    }

    public static bool IsSteered(SteeringPolicy policy, int layer, int head) => policy.Heads!.Any(of =>
        (of.Layer == layer && (of.Head == head || of.Head == SteeredHead.All))
            || (of.Layer == SteeredHead.All && of.Head == SteeredHead.All));

    /// <summary>A policy with some spans and heads, of a model of four layers and four query heads.</summary>
    public static SteeringPolicy Random(Random random, int promptTokens)
    {
        TokenSpan Span()
        {
            int first = random.Next(promptTokens);
            return new TokenSpan(first, random.Next(first + 1, Math.Min(promptTokens, first + 40) + 1));
        }

        var mode = (SteeringMode)random.Next(3);
        return new SteeringPolicy
        {
            Spans = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => Span())],
            Heads = random.Next(4) == 0
                ? [new SteeredHead(SteeredHead.All, SteeredHead.All)]
                : [.. Enumerable.Range(0, 5).Select(_ => new SteeredHead(random.Next(4), random.Next(-1, 4)))],
            Alpha = random.Next(3) switch { 0 => null, 1 => 0.3, _ => 2.5 },
            Mode = mode,
        };
    }
}
