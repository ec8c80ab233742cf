namespace Kvasir.Cache.Eviction;

/// <summary>Names for pairs of score and sizing that papers have made known; the name of a score alone goes with equal shares.</summary>
internal static class EvictionMethods
{
    /// <summary>H2O (Zhang et al. 2023): half of what is kept are the newest tokens, half those that got most attention.</summary>
    public const string HeavyHitters = "h2o";

    private static readonly Dictionary<string, (string Score, string Sizing)> s_pairs = new(StringComparer.Ordinal)
    {
        ["prefixkv"] = ("received", "prefixkv"),
        [HeavyHitters] = ("mean-received", "uniform"),
        ["kvzip"] = ("reconstruction", "global"),
        ["kvzip+"] = ("normalised-reconstruction", "global"),
        ["normalised-reconstruction"] = ("normalised-reconstruction", "global"),
        ["reconstruction"] = ("reconstruction", "global"),
        ["pyramid"] = ("snapkv", "pyramid"),
        ["ada"] = ("snapkv", "ada"),
    };

    public static IEnumerable<string> Names => s_pairs.Keys.Union(TokenScore.All.Select(score => score.Name), StringComparer.Ordinal)
        .Append(EvictionPolicy.FastGenName);

    /// <summary>The parts of a named method.</summary>
    public static (string Score, string Sizing) Pair(string method) => s_pairs.TryGetValue(method, out (string, string) pair) ? pair
        : (method, "uniform");

    /// <exception cref="InvalidInputException">No such method.</exception>
    public static string Checked(string method) => Names.Contains(method, StringComparer.Ordinal) ? method
        : throw EvictionPolicy.Unknown("evict", method, Names);
}
