namespace Kvasir.Calibration;

/// <summary>One way to keep a head: what a block of it takes, and what it is expected to spoil.</summary>
/// <param name="Bytes">Bytes of a block.</param>
/// <param name="Damage">Expected divergence, in nats; damages of different heads add up.</param>
internal readonly record struct CodecOption(int Bytes, double Damage);

/// <summary>
/// Divides bytes among heads so that the sum of damages is as small as possible. Of each head only the options on the lower convex hull of
/// (bytes, damage) count; all heads go up their hulls together, always the step that saves most damage per byte, so that one threshold
/// of damage per byte holds for all (Lagrange). What is left over goes to the next best steps that still fit. The result is optimal but for
/// those last steps, and a larger budget never gives more damage.
/// </summary>
internal static class BitAllocation
{
    /// <summary>The option chosen for each head.</summary>
    /// <param name="heads">The options of each head, in any order, at least one.</param>
    /// <param name="budget">Bytes of all blocks together; where even the smallest options take more, the smallest are chosen.</param>
    public static int[] Solve(IReadOnlyList<IReadOnlyList<CodecOption>> heads, long budget)
    {
        int[] chosen = new int[heads.Count];
        bool[] stopped = new bool[heads.Count];
        var steps = new List<Step>();
        for (int head = 0; head < heads.Count; head++)
        {
            List<int> hull = LowerHull(heads[head]);
            chosen[head] = hull[0];
            budget -= heads[head][hull[0]].Bytes;
            for (int i = 1; i < hull.Count; i++)
            {
                (CodecOption from, CodecOption to) = (heads[head][hull[i - 1]], heads[head][hull[i]]);
                steps.Add(new Step(head, hull[i], to.Bytes - from.Bytes, (from.Damage - to.Damage) / (to.Bytes - from.Bytes)));
            }
        }
        // OrderBy is stable: the steps of one head, whose gains only fall, stay in their order.
        foreach (Step step in steps.OrderByDescending(step => step.Gain))
        {
            stopped[step.Head] |= step.Bytes > budget;
            if (stopped[step.Head]) continue;
            budget -= step.Bytes;
            chosen[step.Head] = step.Option;
        }
        return chosen;
    }

    /// <summary>The options from the smallest to the least damaging one that no mixture of others beats, by growing size.</summary>
    private static List<int> LowerHull(IReadOnlyList<CodecOption> options)
    {
        var hull = new List<int>();
        foreach (int next in Enumerable.Range(0, options.Count).OrderBy(i => options[i].Bytes).ThenBy(i => options[i].Damage))
        {
            if (hull.Count > 0 && options[next].Damage >= options[hull[^1]].Damage) continue;
            while (hull.Count >= 2 && Gain(hull[^2], hull[^1]) <= Gain(hull[^1], next)) hull.RemoveAt(hull.Count - 1);
            hull.Add(next);
        }
        return hull;

        double Gain(int from, int to) => (options[from].Damage - options[to].Damage) / (options[to].Bytes - options[from].Bytes);
    }

    private readonly record struct Step(int Head, int Option, int Bytes, double Gain);
}
