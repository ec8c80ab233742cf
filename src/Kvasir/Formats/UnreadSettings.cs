using System.Collections;

namespace Kvasir.Formats;

/// <summary>
/// Settings of a model that nobody asked for although their names say that they change what is computed: they are refused by name, because
/// to ignore them is to compute something else in silence. What was asked for is understood; values that mean "nothing" and the names here
/// are harmless.
/// </summary>
internal static class UnreadSettings
{
    private static readonly string[] s_changing =
    [
        "attention", "attn", "rope", "rotary", "scale", "scaling", "softcap", "multiplier", "expert", "norm", "residual", "causal",
        "bidirectional", "window", "pattern", "parallel", "alibi", "clamp", "clip", "ssm", "conv", "interleave", "mup", "sink",
    ];

    private static readonly string[] s_harmless = ["drop", "init", "loss", "router_", "implementation", "finetuned", "norm_topk"];
    private static readonly string[] s_harmlessStarts = ["_", "vision.", "perceiver_config."], s_harmlessEnds = ["eps", "epsilon"];
    private static readonly string[] s_harmlessNames =
        ["output_attentions", "full_attn_mod", "use_parallel_embedding", "max_window_layers", "reorder_and_upcast_attn"];

    private static readonly string[] s_factors = ["scale", "scaling", "multiplier", "factor", "pct"];

    /// <param name="path">The file.</param>
    /// <param name="prefix">What stands before the names.</param>
    /// <param name="settings">All names and values.</param>
    /// <param name="asked">The names that were asked for.</param>
    /// <exception cref="InvalidInputException">One is not understood.</exception>
    public static void Refuse(string path, string prefix, IEnumerable<(string Name, object? Value)> settings, IReadOnlySet<string> asked)
    {
        foreach ((string name, object? value) in settings)
        {
            if (asked.Contains(name) || !HasAny(s_changing, name) || IsHarmless(name) || MeansNothing(name, value)) continue;
            string shown = value is string text
                ? $"\"{text}\"" : value is IEnumerable ? "a list" : Convert.ToString(value, CultureInfo.InvariantCulture)!;
            throw DamagedFile.Error(path,
                $"\"{prefix}{name}\" ({shown}) changes what this kind of model computes and is not supported; without it the answers "
                + "would be wrong");
        }
    }

    private static bool MeansNothing(string name, object? value) => value switch
    {
        null or false or "" or "none" or 0L or 0.0 => true,
        1L or 1.0 => HasAny(s_factors, name),
        IEnumerable list and not string => !list.GetEnumerator().MoveNext(),
        _ => false,
    };

    private static bool IsHarmless(string name) => HasAny(s_harmless, name) || s_harmlessNames.Contains(name)
        || Array.Exists(s_harmlessStarts, start => name.StartsWith(start, StringComparison.Ordinal))
        || Array.Exists(s_harmlessEnds, end => name.EndsWith(end, StringComparison.Ordinal));

    private static bool HasAny(string[] words, string name) => Array.Exists(words, word => name.Contains(word, StringComparison.Ordinal));
}
