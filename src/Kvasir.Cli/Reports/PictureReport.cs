using System.Net;
using Kvasir.Calibration;
using Kvasir.Vision;

namespace Kvasir.Cli.Reports;

/// <summary>
/// What a policy keeps of pictures, as one self-contained page: by layer the picture with the tokens drawn over it, the darker the fewer
/// heads kept one, and the attention that they get from the question.
/// </summary>
internal sealed class PictureReport(Model model, ImageEncoder encoder, KvPolicy policy, CompressedWhen when, Terminal terminal)
{
    private const int Most = 8;

    /// <summary>How little shows through of what all heads dropped: enough to see where it lay.</summary>
    private const double Darkest = 0.85;

    private const string Css = """
        .layers { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.2rem, 1fr)); gap: .6rem; margin-top: 1rem; }
        .layers svg { width: 100%; } .layers small { color: var(--soft); }
        .dropped { fill: #000; } .attended { fill: none; stroke: #f22; }
        """;

    private readonly StringBuilder _html = new();

    /// <summary>The page of the first questions.</summary>
    public string Html(IReadOnlyList<VqaQuestion> questions)
    {
        _html.Clear();
        string title = $"What {Escape(policy.ToString())} keeps of pictures";
        Line("""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"/>""");
        Line($"<title>{title}</title><style>{ReportStyle.Css}{Css}</style></head><body><main><header><h1>{title}</h1>");
        Line("<p>The picture, and a square for each layer. Dark: tokens that fewer heads kept, nearly black: none. Red rings: the "
            + "attention from the question, the thicker the more. Tokens are drawn where their patches lie; a trained encoder may have "
            + "moved what they tell elsewhere.</p>");
        Line("</header>");
        foreach (VqaQuestion question in questions.Take(Most)) Figure(question);
        Line("</main></body></html>");
        return _html.ToString();
    }

    private void Figure(VqaQuestion question)
    {
        var embeddings = new InputEmbeddings(model.Config.Width);
        EncodedImage image = encoder.Encode(question.Image);
        RetrievalPrompt prompt = question.Prompt(model, image, embeddings);
        int[] ids = [.. prompt.Context, .. prompt.Question], rows = [.. Enumerable.Range(0, ids.Length).Where(i => ids[i] < 0)];
        float[][] attention = QuestionAttention.OfImages(model, ids, embeddings, terminal.Interrupted);
        using var steps = new ForwardSteps(model, terminal) { Embeddings = embeddings };
        using KvCache cache = model.NewCache(policy);
        steps.Prefill(cache, when == CompressedWhen.Context ? prompt.Context : ids.AsSpan(..^1));
        // Of a picture in tiles the whole of it comes last.
        int count = encoder.Spec.Rows, side = (int)Math.Sqrt(count);
        Line($"<figure><figcaption><h2>{Escape(question.Question)}</h2>");
        Line($"<p>{Escape(image.Name)}: {Escape(question.Answer)}</p></figcaption>");
        string symbol = $"p{Guid.NewGuid():n}";
        string data = $"data:{MimeOf(question.Image)};base64,{Convert.ToBase64String(File.ReadAllBytes(question.Image))}";
        Line($"""<svg width="0" height="0"><symbol id="{symbol}" viewBox="0 0 {side} {side}">""");
        Line($"""<image width="{side}" height="{side}" href="{data}"/></symbol></svg><div class="layers">""");
        Line($"""<div><svg viewBox="0 0 {side} {side}"><use href="#{symbol}" width="{side}" height="{side}"/></svg>""");
        Line("<small>the picture</small></div>");
        for (int layer = 0; layer < attention.Length; layer++)
        {
            HashSet<int>[] kept = [.. cache.Layers[layer].Heads.Select(head => head.Positions().ToHashSet())];
            Layer(layer, symbol, side, [.. rows[^count..].Select(row => kept.Average(head => head.Contains(row) ? 1.0 : 0))],
                attention[layer].AsSpan(^count..));
        }

        Line("</div></figure>");
    }

    private void Layer(int layer, string symbol, int side, double[] kept, ReadOnlySpan<float> attention)
    {
        Line($"""<div><svg viewBox="0 0 {side} {side}"><use href="#{symbol}" width="{side}" height="{side}"/>""");
        float most = Math.Max(float.Epsilon, attention.ToArray().Max());
        for (int i = 0; i < kept.Length; i++)
        {
            (int x, int y) = (i % side, i / side);
            double dark = Darkest * (1 - kept[i]);
            if (dark > 0) Line(Number($"""<rect class="dropped" x="{x}" y="{y}" width="1" height="1" opacity="{dark:0.##}"/>"""));
            double ring = 0.4 * attention[i] / most;
            if (ring > 0.02)
                Line(Number($"""<circle class="attended" cx="{x + 0.5}" cy="{y + 0.5}" r="0.3" stroke-width="{ring:0.##}"/>"""));
        }

        Line(Number($"</svg><small>layer {layer}: {100 * kept.Average():0}%</small></div>"));
    }

    private static string MimeOf(string path) =>
        $"image/{Path.GetExtension(path).ToLowerInvariant() switch { ".jpg" => "jpeg", { Length: > 1 } other => other[1..], _ => "png" }}";

    private static string Number(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Escape(string text) => WebUtility.HtmlEncode(text);

    private void Line(string text) => _html.AppendLine(text);
}
