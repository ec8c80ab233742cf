using System.Net;

namespace Kvasir.Cli.Reports;

/// <summary>A comparison as one self-contained page that is also well-formed XML: plots, the table, and how it was measured.</summary>
internal sealed class ComparisonReport(MachineInfo machine, ComparisonProtocol protocol, IReadOnlyList<ComparisonRow> rows, string command)
{
    private readonly StringBuilder _html = new();
    private readonly Queue<string> _labels = new();

    public string Html()
    {
        _html.Clear();
        Line("<!DOCTYPE html>");
        Line("""<html lang="en"><head><meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>""");
        Line($"<title>Cache policies on {Escape(machine.Model)}</title><style>{ReportStyle.Css}</style></head><body><main>");
        Line($"<header><h1>Cache policies on {Escape(machine.Model)}</h1><p>What each way of keeping keys and values costs in quality, "
            + "and what it saves in memory and time. float16 is the baseline.</p></header>");
        QualityPlot();
        SpeedPlots();
        Table();
        KeptByHead();
        Method();
        Line("</main></body></html>");
        return _html.ToString();
    }

    /// <summary>A policy's name in a plot: what keys and values are kept as, then whatever else it says.</summary>
    public static string ShortName(string kv)
    {
        string[] terms = kv.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        string? keys = Value("k="), values = Value("v=");
        if (keys is null || values is null) return kv;
        return string.Join(", ",
            terms.Where(term => !term.StartsWith("k=", StringComparison.Ordinal) && !term.StartsWith("v=", StringComparison.Ordinal))
            .Prepend(keys == values ? keys : $"{keys} / {values}"));

        string? Value(string name) => terms.FirstOrDefault(term => term.StartsWith(name, StringComparison.Ordinal))?[name.Length..];
    }

    private void QualityPlot()
    {
        double unit = rows.Max(row => row.Footprint.BytesPerToken) >= 4096 ? 1024 : 1;
        PlotSeries[] series =
            [.. rows.Select((row, i) =>
                new PlotSeries(ShortName(row.Kv), Color(i), [new PlotPoint(row.Footprint.BytesPerToken / unit, row.Quality.Divergence)]))];
        string svg = SvgPlot.Points(
            "Divergence from float16 against bytes per token", $"KV cache, {(unit == 1 ? "bytes" : "KiB")} per token",
            "KL to float16, nats (log scale)", series);
        Figure("Quality against memory",
            "Down and to the left is better. KL divergence of the next-token predictions from those with a float16 cache, mean over all "
            + "scored tokens; float16 itself has none.", svg);
    }

    private void SpeedPlots()
    {
        Line("""<div class="pair">""");
        SpeedPlot("Decode speed", "Higher is better. One sequence, one token at a time; median and range of the runs.", row => row.Decode);
        SpeedPlot("Prefill speed", "Higher is better. A prompt behind what the cache holds already; median and range of the runs.", row =>
            row.Prefill);
        Line("</div>");
    }

    private void SpeedPlot(string title, string caption, Func<ComparisonRow, IReadOnlyList<SpeedRow>> speeds)
    {
        if (speeds(rows[0]).Count == 0) return;
        PlotSeries[] series =
            [.. rows.Select((row, i) =>
                new PlotSeries(ShortName(row.Kv), Color(i),
                [.. speeds(row).OrderBy(speed => speed.Depth)
                .Select(speed => new PlotPoint(speed.Depth, speed.TokensPerSecond, speed.Min, speed.Max))]))];
        Figure(title, caption, SvgPlot.Lines($"{title} against depth", "Depth, tokens in the cache", "Tokens per second", series));
    }

    private void Figure(string title, string caption, string svg) =>
        Line($"<figure><figcaption><h2>{Escape(title)}</h2><p>{Escape(caption)}</p></figcaption>{svg}</figure>");

    private void Table()
    {
        Section("Quality and memory",
            "Small figures: ratio to float16 in the same run, and between which ratios the perplexity's lies with 95% (Student's t over "
            + "the windows).", ["Perplexity", "KL, nats", "Same argmax", "Pass-key", "KV bytes per token", "Peak memory, process"], row =>
        {
            Cell($"{row.Quality.Perplexity.Ppl:0.000}", $"{ComparisonTable.PplRatio(row, rows):0.0000}",
                ComparisonTable.Interval(row, rows));
            Cell(ComparisonTable.Divergence(row.Quality.Divergence));
            Cell($"{row.Quality.Agreement:0.0%}");
            Cell(row.Passkey is { } found ? $"{found.Right}/{found.Items}" : "–");
            Cell($"{row.Footprint.BytesPerToken:#,0}", $"{ComparisonTable.BytesRatio(row, rows):0.000}");
            Cell(Units.Bytes(row.Footprint.PeakBytes));
        });
        string[] doubts = [.. ComparisonTable.Doubts(rows)];
        if (doubts.Length > 0)
            Line("<section class=\"doubt\"><h2>To be "
                + $"minded</h2>{string.Concat(doubts.Select(doubt => $"<p>{Escape(doubt)}</p>"))}</section>");
        SpeedRow[] tests = [.. rows[0].Prefill, .. rows[0].Decode];
        if (tests.Length == 0) return;
        Section("Speed, tokens per second", "Small figures: ratio to float16 in the same run. " + ComparisonTable.SpeedNote,
            [.. tests.Select(test => $"{(test.Test[0] == 'p' ? "Prefill" : "Decode")} at {test.Depth:#,0}")], row =>
        {
            foreach ((SpeedRow own, SpeedRow baseline) in row.Prefill.Concat(row.Decode).Zip(tests))
                Cell($"{own.TokensPerSecond:#,0}",
                    $"{(ComparisonTable.Overlaps(own, baseline) ? "~" : "")}{own.TokensPerSecond / baseline.TokensPerSecond:0.00}");
        });
    }

    private void KeptByHead()
    {
        foreach ((int i, ComparisonRow row) in rows.Index())
            if (row.Kept is { } kept)
                Figure($"What each head keeps: {ShortName(row.Kv)}",
                    "Layers from left to right, kv heads from top to bottom; the fuller the more tokens of the first window's prompt "
                    + "are kept." + (kept.Policies is null ? "" : " Point at a cell for the policy that its head chose."),
                    HeatMap.Of(kept, Color(i)));
    }

    private void Section(string title, string note, IReadOnlyList<string> columns, Action<ComparisonRow> cells)
    {
        Line($"""<section><h2>{title}</h2><div class="scroll"><table><thead><tr><th scope="col">Policy</th>{string.Concat(columns.Select(column => $"""<th scope="col">{column}</th>"""))}</tr></thead><tbody>""");
        for (int i = 0; i < rows.Count; i++)
        {
            Line($"""<tr><th scope="row"><span class="dot s{Color(i)}"></span><code>{Escape(rows[i].Kv)}</code></th>""");
            foreach (string column in columns) _labels.Enqueue(column);
            cells(rows[i]);
            Line("</tr>");
        }

        Line($"</tbody></table></div><p>{Escape(note)}</p></section>");
    }

    /// <summary>A narrow window shows the column's name beside the value.</summary>
    private void Cell(string value, params string[] small) =>
        Line($"<td data-label=\"{_labels.Dequeue()}\">{value}{string.Concat(small.Where(line => line.Length > 0).Select(line => $"<small>{line}</small>"))}</td>");

    private void Method()
    {
        SpeedRow? prefill = rows[0].Prefill.Count > 0
            ? rows[0].Prefill[0] : null, decode = rows[0].Decode.Count > 0 ? rows[0].Decode[0] : null;
        Line("<section><h2>How it was measured</h2><dl>");
        Entry("Model", $"{machine.Model}: {machine.ModelDetails}");
        Entry("Machine", $"{machine.Processor}; {machine.System}");
        Entry("Quality",
            $"{Units.Count(protocol.Windows.Count, "window")} of text ({protocol.Text}), each with an empty cache: "
            + $"{Units.Count(protocol.Prefill, "token")} prefilled, then {protocol.Windows[0].Length - 1 - protocol.Prefill} fed one "
            + "after another through the cache as the policy keeps it. All policies take each step in one batch. Perplexity is of the "
            + "token that follows in the text; same argmax is the share of steps whose most probable token is that of float16. Where "
            + "activations are rounded to int8, rounding alone makes two equally exact caches diverge a little, as k=f32,v=f32 does; with "
            + "--compute float32 it does not.");
        if (protocol.Passkey.Count > 0)
            Entry("Pass-key",
                $"{Units.Count(protocol.Passkey.Count, "text")} of about {protocol.Passkey.Average(prompt => prompt.Context.Length):0} "
                + "tokens with a five-digit key at evenly spread depths; the cache is compressed before the question is known; right "
                + "where the greedy answer contains the key.");
        Entry("Memory",
            $"Bytes held by a cache filled with {Units.Count(protocol.KvLength, "token")}, residual, scales and all, per token. Peak is "
            + "the resident memory of the whole process, model included, "
            + $"{(rows[0].Footprint.PeakIsOwn ? "while that cache was filled" : "since the process started (this system cannot measure it for each policy)")}.");
        if ((prefill ?? decode) is not null)
            Entry("Speed",
                $"{string.Join(", ", new[] { prefill is null ? null : $"{prefill.Test[2..]} tokens prefilled", decode is null ? null : $"{decode.Test[2..]} tokens decoded" }.OfType<string>())} behind the depth; one unmeasured run, then {protocol.Repeat}, in which the policies take turns; the median counts.");
        Line($"<dt>Command</dt><dd><code>{Escape(command)}</code></dd>");
        Entry("Date", DateTime.Now.ToString("d MMMM yyyy, HH:mm", CultureInfo.InvariantCulture));
        Line("</dl></section>");
    }

    private void Entry(string term, string text) => Line($"<dt>{term}</dt><dd>{Escape(text)}</dd>");

    private void Line(string markup) => _html.Append(markup).Append('\n');

    /// <summary>The baseline is grey; the colours of the others come round again after seven.</summary>
    private static int Color(int row) => row == 0 ? 0 : 1 + (row - 1) % ReportStyle.Colors;

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}
