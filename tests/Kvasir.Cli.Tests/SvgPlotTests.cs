using System.Xml.Linq;
using Kvasir.Cli.Reports;

namespace Kvasir.Cli.Tests;

public class SvgPlotTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    public void Points_are_well_formed_and_inside(int count)
    {
        PlotSeries[] series = [.. Enumerable.Range(0, count)
            .Select(i => new PlotSeries($"<p&{i}> \"x\"", i, [new PlotPoint(23040.0 / (i + 1), i * i * 1e-4)]))];
        XElement svg = Parsed(SvgPlot.Points("<d>", "bytes & more", "KL", series));
        Assert.Equal(count, svg.Descendants().Count(element => element.Name.LocalName == "circle"));
        Assert.Contains(svg.Descendants(), element => element.Value == "<p&0> \"x\"");
        IsInside(svg, "circle", "cx", "cy");
        IsInside(svg, "text", "x", "y");
    }

    [Fact]
    public void Lines_are_well_formed_and_inside_and_names_do_not_overlap()
    {
        PlotSeries[] series = [.. Enumerable.Range(0, 8)
            .Select(i =>
            new PlotSeries($"policy {i}", i,
            [new PlotPoint(0, 400, 390, 410), new PlotPoint(2048, 100 + i * 0.1), new PlotPoint(8192, 50)]))];
        XElement svg = Parsed(SvgPlot.Lines("speed", "depth", "tokens/s", series));
        IsInside(svg, "circle", "cx", "cy");
        IsInside(svg, "text", "x", "y");
        double[] names = [.. svg.Descendants().Where(element => (string?)element.Attribute("class") == "name")
            .Select(element => Number(element, "y")).Order()];
        Assert.Equal(8, names.Length);
        Assert.All(names.Zip(names.Skip(1)), pair => Assert.True(pair.Second - pair.First > 12, $"{pair}"));
    }

    [Fact]
    public void One_depth_and_equal_values_are_drawn()
    {
        PlotSeries[] series = [new PlotSeries("a", 0, [new PlotPoint(0, 0)]), new PlotSeries("b", 1, [new PlotPoint(0, 0)])];
        IsInside(Parsed(SvgPlot.Lines("speed", "depth", "tokens/s", series)), "circle", "cx", "cy");
        IsInside(Parsed(SvgPlot.Points("d", "x", "y", series)), "circle", "cx", "cy");
    }

    [Theory]
    [InlineData(410, 0, 100, 500)]
    [InlineData(0.7, 0, 0.2, 0.8)]
    [InlineData(46080, 0, 10000, 50000)]
    public void Linear_marks_are_round_and_reach_the_largest_value(double largest, double first, double second, double last)
    {
        var scale = PlotScale.Linear(largest, 0, 100);
        Assert.Equal((first, second, last), (scale.Marks[0].Value, scale.Marks[1].Value, Math.Round(scale.Marks[^1].Value, 9)));
        Assert.Equal(100, scale.Pixel(last), 1e-9);
    }

    [Fact]
    public void Logarithmic_marks_are_powers_of_ten_around_the_values()
    {
        var scale = PlotScale.Logarithmic(0.0026, 0.3, 100, 0);
        Assert.Equal(["0.001", "0.01", "0.1", "1"], scale.Marks.Select(mark => mark.Label));
        Assert.Equal((100, 0), (Math.Round(scale.Pixel(0.001)), Math.Round(scale.Pixel(1))));
    }

    [Fact]
    public void Logarithmic_marks_over_a_narrow_range_are_finer() =>
        Assert.Equal(["0.002", "0.005", "0.01", "0.02"], PlotScale.Logarithmic(0.0026, 0.013, 100, 0).Marks.Select(mark => mark.Label));

    [Theory]
    [InlineData("k=kivi4,v=kivi4", "kivi4")]
    [InlineData("k=kivi4,v=kivi2,group=16", "kivi4 / kivi2, group=16")]
    [InlineData("auto:3bit", "auto:3bit")]
    public void Policies_have_short_names(string kv, string name) => Assert.Equal(name, ComparisonReport.ShortName(kv));

    private static XElement Parsed(string svg)
    {
        Assert.DoesNotContain("NaN", svg, StringComparison.Ordinal);
        return XElement.Parse(svg);
    }

    private static void IsInside(XElement svg, string name, string x, string y)
    {
        double[] size = [.. ((string)svg.Attribute("viewBox")!).Split(' ')
            .Select(part => double.Parse(part, CultureInfo.InvariantCulture))];
        Assert.All(svg.Descendants().Where(element => element.Name.LocalName == name && element.Attribute(x) is not null), element =>
        {
            Assert.InRange(Number(element, x), 0, size[2]);
            Assert.InRange(Number(element, y), 0, size[3]);
        });
    }

    private static double Number(XElement element, string attribute) =>
        double.Parse((string)element.Attribute(attribute)!, CultureInfo.InvariantCulture);
}
