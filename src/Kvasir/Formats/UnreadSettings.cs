using System.Collections;
using System.Text.RegularExpressions;

namespace Kvasir.Formats;

/// <summary>
/// Settings of a model that nobody asked for although their names say that they change what is computed: they are refused by name, because
/// to ignore them is to compute something else in silence. What was asked for is understood; values that mean "nothing" and the names here
/// are harmless.
/// </summary>
internal static partial class UnreadSettings
{
    /// <param name="path">The file.</param>
    /// <param name="prefix">What stands before the names.</param>
    /// <param name="settings">All names and values.</param>
    /// <param name="asked">The names that were asked for.</param>
    /// <exception cref="InvalidInputException">One is not understood.</exception>
    public static void Refuse(string path, string prefix, IEnumerable<(string Name, object? Value)> settings, IReadOnlySet<string> asked)
    {
        foreach ((string name, object? value) in settings)
        {
            if (asked.Contains(name) || !ChangesResult().IsMatch(name) || Harmless().IsMatch(name) || MeansNothing(name, value)) continue;
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
        1L or 1.0 => Factor().IsMatch(name),
        IEnumerable list and not string => !list.GetEnumerator().MoveNext(),
        _ => false,
    };

    [GeneratedRegex(
        "attention|attn|rope|rotary|scale|scaling|softcap|multiplier|expert|norm|residual|causal|bidirectional|window|pattern"
        + "|parallel|alibi|clamp|clip|ssm|conv|interleave|mup|sink")]
    private static partial Regex ChangesResult();

    [GeneratedRegex(
        @"^_|^vision\.|^perceiver_config\.|^output_attentions$|^full_attn_mod$|^use_parallel_embedding$|drop|init|loss|router_"
        + "|implementation|finetuned|eps$|epsilon$|^max_window_layers$|^reorder_and_upcast_attn$|norm_topk")]
    private static partial Regex Harmless();

    [GeneratedRegex("scale|scaling|multiplier|factor|pct")]
    private static partial Regex Factor();
}
