using Spectre.Console;

namespace Kvasir.Cli.Tests;

/// <summary>What a person is told while a command works, and about what it left out.</summary>
public class ProgressTests
{
    private readonly Clock _clock = new();

    [Fact]
    public void Time_left_follows_from_the_share_done_and_the_time_it_took()
    {
        var left = new TimeLeft(_clock);
        Assert.Null(left.At(0));
        _clock.Pass(0.5);
        Assert.Null(left.At(0.1));
        _clock.Pass(9.5);
        Assert.Equal(TimeSpan.FromSeconds(30), left.At(0.25));
        Assert.Equal(TimeSpan.Zero, left.At(1));
    }

    [Fact]
    public void What_was_there_before_does_not_count_as_done_now()
    {
        var left = new TimeLeft(_clock);
        left.At(0.5);
        _clock.Pass(10);
        Assert.Null(left.At(0.5));
        Assert.Equal(TimeSpan.FromSeconds(40), left.At(0.6));
    }

    [Fact]
    public void Smaller_share_begins_anew()
    {
        var left = new TimeLeft(_clock);
        left.At(0);
        _clock.Pass(100);
        left.At(0.9);
        Assert.Null(left.At(0.1));
        _clock.Pass(9);
        Assert.Equal(TimeSpan.FromSeconds(6), left.At(0.64));
    }

    [Theory]
    [InlineData(0, "0:00")]
    [InlineData(42, "0:42")]
    [InlineData(754, "12:34")]
    [InlineData(97_205, "27:00:05")]
    public void Time_left_is_minutes_and_seconds_or_hours_before_them(int seconds, string text) =>
        Assert.Equal(text, TimeLeft.Text(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Bar_shows_share_and_time_left_on_a_terminal_and_nothing_elsewhere()
    {
        Assert.Equal("", Drawn(interactive: false));
        string[] lines = Drawn(interactive: true).Split('\r', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(
            ["work [..............................] 0% one", "work [#######.......................] 25% ETA 2:06 two",
            "work [##############################] 100% three"], lines);
    }

    [Theory]
    [InlineData("資料/年度報告書の要約と付録を全部まとめたもの.txt")]
    [InlineData("\e[31mred\e[0m\r\nsecond line and more that does not fit at all")]
    [InlineData(
        "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301"
            + "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301 👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧")]
    public void Line_takes_no_more_cells_than_the_terminal_has(string detail)
    {
        foreach (int columns in new[] { 2, 5, 20, 41, 79, 0 })
        {
            int width = columns;
            using var error = new StringWriter();
            using var terminal = new Terminal(Stream.Null, TextWriter.Null, error) { ErrorIsInteractive = true, Size = () => (width, 24) };
            using (var line = new ProgressLine(terminal, "ingest", _clock))
            {
                line.Report(1, 8, detail + detail);
                width = Math.Max(columns / 2, Math.Sign(columns));
                line.Report(8, 8, detail + detail);
            }

            string[] drawn = error.ToString().Split('\r', StringSplitOptions.RemoveEmptyEntries);
            Assert.InRange(drawn[0].GetCellWidth(), 0, (columns == 0 ? 80 : columns) - 1);
            Assert.All(drawn[1..], text => Assert.InRange(text.GetCellWidth(), 0, (width == 0 ? 80 : width) - 1));
            Assert.DoesNotContain('\n', error.ToString());
            Assert.DoesNotContain('\e', error.ToString());
        }
    }

    [Theory]
    [InlineData("short", 20, "short")]
    [InlineData("longer than it", 6, "longe…")]
    [InlineData("世界世界", 6, "世界…")]
    [InlineData("e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301")]
    public void Text_is_cut_by_the_cells_that_it_takes(string text, int cells, string expected) =>
        Assert.Equal(expected, TerminalText.Cut(text, cells));

    [Theory]
    [InlineData(0, "0 files")]
    [InlineData(1, "1 file")]
    [InlineData(2, "2 files")]
    public void One_thing_is_not_written_as_many(int number, string text) => Assert.Equal(text, Units.Count(number, "file"));

    [Fact]
    public void Files_left_out_are_grouped_by_reason_and_long_groups_cut()
    {
        var lines = new List<string>();
        SkippedReport.Write(new IngestReport(), lines.Add);
        Assert.Empty(lines);
        SkippedReport.Write(
            new IngestReport
            {
                Skipped =
            [.. Enumerable.Range(0, 12).Select(i => new SkippedFile($"{i}.png", "a picture")), new SkippedFile("a.pdf", "no text in it")],
                Incomplete = [new SkippedFile("b.pdf", "page 2 is odd")]
            }, lines.Add);
        Assert.Equal(
            ["13 files left out:", "  a picture:", .. Enumerable.Range(0, 10).Select(i => $"    {i}.png"), "    and 2 more",
            "  no text in it:", "    a.pdf", "1 file not read wholly:", "  page 2 is odd:", "    b.pdf"], lines);
    }

    private string Drawn(bool interactive)
    {
        using var error = new StringWriter();
        using var terminal = new Terminal(Stream.Null, TextWriter.Null, error) { ErrorIsInteractive = interactive };
        using (var line = new ProgressLine(terminal, "work", _clock))
        {
            line.Report(0, 8, "one");
            _clock.Pass(42);
            line.Report(2, 8, "two");
            line.Report(3, 8, "not drawn so soon");
            line.Report(8, 8, "three");
        }

        return error.ToString();
    }

    private sealed class Clock : TimeProvider
    {
        private long _ticks;

        public override long GetTimestamp() => _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Pass(double seconds) => _ticks += (long)(seconds * TimeSpan.TicksPerSecond);
    }
}
