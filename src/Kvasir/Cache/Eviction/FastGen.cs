namespace Kvasir.Cache.Eviction;

/// <summary>
/// FastGen (Ge et al. 2024, arXiv:2310.01801): each head keeps what the cheapest of five policies keeps that recovers a share T of its
/// attention on the prompt: special tokens; and punctuation; and the 30% most attended; and the newest 30%; all. The first token of the
/// sequence counts as special. Query heads that share a kv head share the set: its most attended tokens are those of their sum, and the
/// recovery is the least of them.
/// </summary>
internal sealed class FastGen
{
    public const int Full = 4;
    private const double FrequentShare = 0.3, LocalShare = 0.3;

    public static readonly string[] PolicyNames = ["special", "+ punctuation", "+ frequent", "+ local", "full"];

    private readonly bool[] _special, _punctuation;
    private readonly int _tokens;

    /// <param name="ids">The tokens.</param>
    /// <param name="first">Position of the first of them.</param>
    /// <param name="classes">Kinds of tokens.</param>
    public FastGen(IReadOnlyList<int> ids, int first, TokenClasses classes)
        : this(SpecialTokens(ids, first, classes), [.. ids.Select(classes.IsPunctuation)]) { }

    public FastGen(bool[] special, bool[] punctuation) => (_special, _punctuation, _tokens) = (special, punctuation, special.Length);

    /// <summary>Which tokens count as special, of the same arguments as a constructor's.</summary>
    public static bool[] SpecialTokens(IReadOnlyList<int> ids, int first, TokenClasses classes) =>
        [.. ids.Select((id, i) => first + i == 0 || classes.IsSpecial(id))];

    public int Frequent => (int)Math.Ceiling(FrequentShare * _tokens);

    /// <summary>What has to be observed of a prompt of so many tokens.</summary>
    public static ObservedAttention Needs(int tokens) => new(Observations.Sums | Observations.Local, LocalTokens: LocalTokens(tokens));

    /// <summary>The newest tokens that a policy with a local part keeps.</summary>
    public static int LocalTokens(int tokens) => Math.Max(1, (int)Math.Floor(LocalShare * tokens));

    /// <summary>The policy that a kv head needs: the first that recovers at least <paramref name="recovery"/>.</summary>
    /// <param name="layer">The layer, with sums and local sums.</param>
    /// <param name="kvHead">The head.</param>
    /// <param name="recovery">T.</param>
    public int Choose(ScoredLayer layer, int kvHead, double recovery)
    {
        bool[] frequent = FrequentOf(layer, kvHead);
        for (int policy = 0; policy < Full; policy++)
            if (Enumerable.Range(kvHead * layer.Layout.Group, layer.Layout.Group)
                .Min(head => Recovery(layer, head, policy, frequent)) >= recovery) return policy;
        return Full;
    }

    /// <summary>Which tokens a policy keeps in a kv head.</summary>
    public bool[] Keeps(ScoredLayer layer, int kvHead, int policy)
    {
        bool[] frequent = policy is >= 2 and < Full ? FrequentOf(layer, kvHead) : [];
        int local = LocalTokens(layer.End);
        return [.. Enumerable.Range(0, _tokens)
            .Select(j => policy == Full || Always(j, policy) || (policy >= 2 && frequent[j])
            || (policy == 3 && layer.First + j >= layer.End - local))];
    }

    /// <summary>The share of a query head's attention that a policy keeps, mean over all queries.</summary>
    public double Recovery(ScoredLayer layer, int head, int policy, bool[] frequent)
    {
        Span<float> sums = layer.Attention!.Of(Observations.Sums, head), local = layer.Attention.Of(Observations.Local, head);
        double mass = 0;
        for (int j = 0; j < _tokens; j++)
        {
            if (policy == Full || Always(j, policy) || (policy >= 2 && frequent[j])) mass += sums[j];
            else if (policy == 3) mass += local[j];
        }
        return mass / Math.Max(1, layer.End - layer.FirstQuery);
    }

    /// <summary>The tokens that a group's query heads together attend to most.</summary>
    public bool[] FrequentOf(ScoredLayer layer, int kvHead)
    {
        var frequent = new bool[_tokens];
        foreach (int token in TokenSelection.Highest(layer.MeanOf(Observations.Sums, kvHead), Frequent)) frequent[token] = true;
        return frequent;
    }

    private bool Always(int token, int policy) => _special[token] || (policy >= 1 && _punctuation[token]);
}
