namespace Kvasir.Cache.Eviction;

/// <summary>What a sizing goes by.</summary>
/// <param name="Tokens">Tokens of each head.</param>
/// <param name="Share">How many of them to keep in all.</param>
/// <param name="Scores">[layers][kv heads][tokens]; those that stay in any case score infinity.</param>
/// <param name="Layers">The layers, for what was observed of their attention.</param>
/// <param name="LayerShares">Shares by layer that were measured beforehand, or null.</param>
internal sealed record SizingInput(int Tokens, double Share, float[][][] Scores, IReadOnlyList<ScoredLayer> Layers,
    PrefixKvProfile? LayerShares = null)
{
    /// <summary>The attention that tokens get, [layers][tokens], where they are images alone; null for a whole prompt.</summary>
    public float[][]? ImageAttention { get; init; }

    /// <summary>Tokens that a head keeps where all keep as many.</summary>
    public int Even => Math.Max(1, (int)Math.Floor(Tokens * Share));
}

/// <summary>
/// How many tokens each layer and kv head keeps. A new sizing is one class, its name and paper, its line in <see cref="All"/>, and its
/// test.
/// </summary>
internal abstract class LayerSizing
{
    /// <summary>All sizings.</summary>
    public static IReadOnlyList<LayerSizing> All { get; } = [new UniformSizing(), new PrefixKvSizing(), new PyramidSizing(),
        new AdaSizing(), new GlobalSizing()];

    /// <summary>Its name in the policy grammar.</summary>
    public abstract string Name { get; }

    /// <summary>What of the prompt's attention it needs, beside the score's.</summary>
    public virtual ObservedAttention Needs => default;

    /// <summary>Tokens at the beginning, and at the end, that stay in any case.</summary>
    public virtual int Edges => 0;

    /// <summary>Tokens to keep, [layers][kv heads].</summary>
    public abstract int[][] Counts(SizingInput input);

    /// <exception cref="InvalidInputException">No such sizing.</exception>
    public static LayerSizing Named(string name) => All.FirstOrDefault(sizing => sizing.Name == name)
        ?? throw EvictionPolicy.Unknown("sizing", name, All.Select(sizing => sizing.Name));

    /// <summary>
    /// Divides a budget over heads: each gets <paramref name="secured"/> of its own highest scores, the rest goes to the highest scores of
    /// all; of equal ones the first head's.
    /// </summary>
    protected static int[] Pool(IReadOnlyList<float[]> heads, int secured, int budget)
    {
        float[][] rising = [.. heads.Select(scores => scores.Order().ToArray()[..Math.Max(0, scores.Length - secured)])];
        int left = Math.Min(budget - heads.Count * secured, rising.Sum(scores => scores.Length));
        if (left <= 0) return [.. heads.Select(_ => secured)];
        float[] all = [.. rising.SelectMany(scores => scores)];
        Array.Sort(all);
        float least = all[^left];
        int ties = left - all.Count(score => score > least);
        return [.. rising.Select(scores =>
        {
            int tied = Math.Min(ties, scores.Count(score => score == least));
            ties -= tied;
            return secured + scores.Count(score => score > least) + tied;
        })];
    }

    protected static int[][] ByLayer(SizingInput input, Func<int, int> count) =>
        [.. input.Scores.Select((heads, layer) => Enumerable.Repeat(count(layer), heads.Length).ToArray())];
}
