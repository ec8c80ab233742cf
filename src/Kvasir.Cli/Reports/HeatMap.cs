using System.Net;

namespace Kvasir.Cli.Reports;

/// <summary>
/// Layers by heads as one SVG element that is also well-formed XML: each cell is the fuller the more of the tokens its head keeps, and says
/// so when it is pointed at.
/// </summary>
internal static class HeatMap
{
    private const int Cell = 18, Left = 34, Top = 20;

    /// <param name="kept">The shares.</param>
    /// <param name="color">The policy's colour, <c>sN</c>.</param>
    public static string Of(KeptShares kept, int color)
    {
        int layers = kept.Shares.Length, heads = kept.Shares.Max(row => row.Length);
        var svg = new StringBuilder();
        int width = Left + layers * Cell;
        svg.Append("""<svg role="img" aria-label="Share of tokens kept by layer and head" """);
        svg.Append(CultureInfo.InvariantCulture, $"""viewBox="0 0 {width} {Top + heads * Cell}" style="max-width:{width}px">""");
        for (int head = 0; head < heads; head++) Text(svg, Left - 6, Top + head * Cell + 13, "end", $"{head}");
        for (int layer = 0; layer < layers; layer++)
        {
            if (layer % 5 == 0) Text(svg, Left + layer * Cell + Cell / 2, Top - 6, "middle", $"{layer}");
            for (int head = 0; head < kept.Shares[layer].Length; head++)
            {
                double share = kept.Shares[layer][head];
                string said = $"layer {layer}, head {head}: {share:0%} kept"
                    + (kept.Policies is { } policies ? $" ({policies[layer][head]})" : "");
                svg.Append(CultureInfo.InvariantCulture, $"""<rect class="s{color}" x="{Left + layer * Cell}" y="{Top + head * Cell}" """)
                    .Append(CultureInfo.InvariantCulture, $"""width="{Cell - 1}" height="{Cell - 1}" fill="currentColor" """)
                    .Append(CultureInfo.InvariantCulture, $"""fill-opacity="{0.06 + 0.94 * share:0.00}"><title>""")
                    .Append(WebUtility.HtmlEncode(said)).Append("</title></rect>");
            }
        }
        return svg.Append("</svg>").ToString();
    }

    private static void Text(StringBuilder svg, int x, int y, string anchor, string text) =>
        svg.Append(CultureInfo.InvariantCulture, $"""<text class="tick" x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>""");
}
