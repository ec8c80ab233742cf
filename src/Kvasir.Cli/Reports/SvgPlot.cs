using System.Net;

namespace Kvasir.Cli.Reports;

/// <summary>A point of a plot; <c>Low</c> and <c>High</c> are the ends of its whisker where its value is a median.</summary>
internal sealed record PlotPoint(double X, double Y, double Low, double High)
{
    public PlotPoint(double x, double y) : this(x, y, y, y) { }
}

/// <summary>Points that belong together, drawn in the colour of class <c>sN</c>.</summary>
internal sealed record PlotSeries(string Name, int Color, IReadOnlyList<PlotPoint> Points);

/// <summary>
/// A plot as one SVG element that is also well-formed XML. Colours and fonts come from the page: classes <c>grid</c>, <c>axis</c>,
/// <c>tick</c>, <c>title</c>, <c>name</c>, <c>halo</c> and <c>s0</c>, <c>s1</c> …, whose text colour is that of a series.
/// </summary>
internal sealed class SvgPlot
{
    private const double Left = 64, Top = 16, Bottom = 52, CharacterWidth = 7.2, NameHeight = 16, Radius = 4.5, Gap = 34;
    private const int LongestName = 20;
    private readonly StringBuilder _svg = new();
    private readonly double _width, _height;

    private SvgPlot(double width, double height) => (_width, _height) = (width, height);

    /// <summary>One line for each series over an axis marked at the measured values; named at its right end.</summary>
    public static string Lines(
        string description, string xTitle, string yTitle, IReadOnlyList<PlotSeries> series, double width = 440, double height = 300)
    {
        double right = width - 22 - series.Max(line => TextWidth(line.Name)), bottom = height - Bottom;
        PlotPoint[] points = [.. series.SelectMany(line => line.Points)];
        var plot = new SvgPlot(width, height);
        var x = PlotScale.At(points.Select(point => point.X), Left, right);
        var y = PlotScale.Linear(points.Max(point => point.High), bottom, Top);
        plot.Begin(description, x, y, xTitle, yTitle, right);
        foreach (PlotSeries line in series) plot.Line(line, x, y);
        plot.NamesAtTheEnd(series, x, y, right);
        return plot.End();
    }

    /// <summary>One named point a series, y on a scale of powers of ten; a y of 0 is the lower edge, set off by a gap.</summary>
    public static string Points(
        string description, string xTitle, string yTitle, IReadOnlyList<PlotSeries> series, double width = 440, double height = 340)
    {
        double right = width - 24, bottom = height - Bottom;
        PlotPoint[] points = [.. series.SelectMany(one => one.Points)];
        double[] positive = [.. points.Select(point => point.Y).Where(value => value > 0)];
        var plot = new SvgPlot(width, height);
        var x = PlotScale.Linear(points.Max(point => point.X), Left, right, 5);
        var y = PlotScale.Logarithmic(positive.DefaultIfEmpty(0.001).Min(), positive.DefaultIfEmpty(0.01).Max(), bottom - Gap, Top);
        plot.Begin(description, x, y, xTitle, yTitle, right);
        plot.Text("tick", Left - 8, bottom + 4, "end", "0");
        plot.NamedPoints(series, x, value => value > 0 ? y.Pixel(value) : bottom, right, bottom);
        return plot.End();
    }

    private void Begin(string description, PlotScale x, PlotScale y, string xTitle, string yTitle, double right)
    {
        double bottom = _height - Bottom;
        _svg.Append(
            $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_width:0} {_height:0}" role="img" aria-label="{Escape(description)}">""").Append('\n');
        foreach ((double value, string label) in y.Marks)
        {
            double at = y.Pixel(value);
            Append($"""<line class="grid" x1="{Left:0.#}" y1="{at:0.#}" x2="{right:0.#}" y2="{at:0.#}"/>""");
            Text("tick", Left - 8, at + 4, "end", label);
        }

        foreach ((double value, string label) in x.Marks)
        {
            double at = x.Pixel(value);
            Append($"""<line class="axis" x1="{at:0.#}" y1="{bottom:0.#}" x2="{at:0.#}" y2="{bottom + 5:0.#}"/>""");
            Text("tick", at, bottom + 19, "middle", label);
        }

        Append($"""<line class="axis" x1="{Left:0.#}" y1="{bottom:0.#}" x2="{right:0.#}" y2="{bottom:0.#}"/>""");
        Text("title", (Left + right) / 2, _height - 10, "middle", xTitle);
        double middle = (Top + bottom) / 2;
        Append($"""<text class="title" transform="translate(14 {middle:0.#}) rotate(-90)" text-anchor="middle">{Escape(yTitle)}</text>""");
    }

    private void Line(PlotSeries series, PlotScale x, PlotScale y)
    {
        string path = string.Join(' ', series.Points.Select(point => $"{x.Pixel(point.X):0.#},{y.Pixel(point.Y):0.#}"));
        Append($"""<g class="s{series.Color}"><polyline points="{path}" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round"/>""");
        foreach (PlotPoint point in series.Points)
        {
            double at = x.Pixel(point.X);
            if (point.High > point.Low)
                Append($"""<line x1="{at:0.#}" y1="{y.Pixel(point.Low):0.#}" x2="{at:0.#}" y2="{y.Pixel(point.High):0.#}" stroke="currentColor" stroke-width="1"/>""");
            Append($"""<circle class="halo" cx="{at:0.#}" cy="{y.Pixel(point.Y):0.#}" r="{Radius - 1:0.#}" fill="currentColor"><title>{Escape(series.Name)}: {point.Y:0.#} ({point.Low:0.#} to {point.High:0.#}) at {point.X:0}</title></circle>""");
        }

        _svg.Append("</g>\n");
    }

    /// <summary>Names beside the last points, pushed apart where they would overlap.</summary>
    private void NamesAtTheEnd(IReadOnlyList<PlotSeries> series, PlotScale x, PlotScale y, double right)
    {
        double bottom = _height - Bottom;
        (PlotSeries Line, double Point)[] ends = [.. series.Select(line => (line, y.Pixel(line.Points[^1].Y))).OrderBy(end => end.Item2)];
        var at = new double[ends.Length];
        for (int i = 0; i < ends.Length; i++) at[i] = Math.Max(ends[i].Point, i == 0 ? Top : at[i - 1] + NameHeight);
        for (int i = ends.Length - 1; i >= 0; i--)
            at[i] = Math.Min(at[i], i == ends.Length - 1 ? Math.Max(bottom, Top + i * NameHeight) : at[i + 1] - NameHeight);
        for (int i = 0; i < ends.Length; i++)
        {
            double from = x.Pixel(ends[i].Line.Points[^1].X) + Radius;
            _svg.Append(
                $"""<g class="s{ends[i].Line.Color}"><polyline points="{from:0.#},{ends[i].Point:0.#} {right + 10:0.#},{at[i]:0.#}" fill="none" stroke="currentColor" stroke-width="0.75" opacity="0.5"/>""");
            Text("name", right + 14, at[i] + 4, "start", Shortened(ends[i].Line.Name));
            _svg.Append("</g>\n");
        }
    }

    /// <summary>Each name stands on that side of its point where it covers no other point and no earlier name.</summary>
    private void NamedPoints(IReadOnlyList<PlotSeries> series, PlotScale x, Func<double, double> y, double right, double bottom)
    {
        List<Box> taken = [.. series.SelectMany(one => one.Points)
            .Select(point => new Box(x.Pixel(point.X) - Radius, y(point.Y) - Radius, 2 * Radius, 2 * Radius))];
        foreach (PlotSeries one in series)
        {
            foreach (PlotPoint point in one.Points)
            {
                double cx = x.Pixel(point.X), cy = y(point.Y), width = TextWidth(one.Name);
                Box[] places =
                [
                    new(cx + 9, cy - 8, width, NameHeight), new(cx - 9 - width, cy - 8, width, NameHeight),
                        new(cx - width / 2, cy - 25, width, NameHeight), new(cx - width / 2, cy + 9, width, NameHeight),
                    new(cx + 6, cy - 25, width, NameHeight), new(cx + 6, cy + 9, width, NameHeight),
                        new(cx - 6 - width, cy - 25, width, NameHeight), new(cx - 6 - width, cy + 9, width, NameHeight),
                ];
                Box place = places.FirstOrDefault(box =>
                    box.X >= Left && box.Right <= right + 20 && box.Y >= 0 && box.Bottom <= bottom - 3
                        && !taken.Any(box.Overlaps), places[2]);
                taken.Add(place);
                Append($"""<g class="s{one.Color}"><circle class="halo" cx="{cx:0.#}" cy="{cy:0.#}" r="{Radius + 1:0.#}" fill="currentColor"><title>{Escape(one.Name)}: {point.X:0.##}, {point.Y:0.######}</title></circle>""");
                Text("name", place.X, place.Y + 12, "start", Shortened(one.Name));
                _svg.Append("</g>\n");
            }
        }
    }

    private string End() => _svg.Append("</svg>").ToString();

    private void Text(string style, double x, double y, string anchor, string text)
    {
        if (text.Length > 0) Append($"""<text class="{style}" x="{x:0.#}" y="{y:0.#}" text-anchor="{anchor}">{Escape(text)}</text>""");
    }

    private void Append(string markup) => _svg.Append(markup).Append('\n');

    private static string Shortened(string name) => name.Length <= LongestName ? name : name[..(LongestName - 1)] + "…";

    private static double TextWidth(string name) => Shortened(name).Length * CharacterWidth;

    private static string Escape(string text) => WebUtility.HtmlEncode(text);

    private readonly record struct Box(double X, double Y, double Width, double Height)
    {
        public double Right => X + Width;

        public double Bottom => Y + Height;

        public bool Overlaps(Box other) => X < other.Right && other.X < Right && Y < other.Bottom && other.Y < Bottom;
    }
}
