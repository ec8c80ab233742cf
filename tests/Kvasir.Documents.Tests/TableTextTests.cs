using Kvasir.Documents.Chunking;

namespace Kvasir.Documents.Tests;

public class TableTextTests
{
    private static string Text(string name, string content) =>
        Assert.Single(DocumentParser.Parse(name, Encoding.UTF8.GetBytes(content))).Text;

    private static string[] Rows(int count) => [.. Enumerable.Range(1, count).Select(i => $"Port {i}|Keeper {i}|{i * 3} m")];

    private static string Markdown(string[] rows) =>
        "| Harbour | Keeper | Depth |\n|---|---|---|\n"
            + string.Concat(rows.Select(row => $"| {row.Replace("|", " | ", StringComparison.Ordinal)} |\n"));

    private static string Html(string[] rows) =>
        "<table><thead><tr><th>Harbour</th><th>Keeper</th><th>Depth</th></tr></thead>"
            + string.Concat(rows.Select(row => $"<tr><td>{row.Replace("|", "</td><td>", StringComparison.Ordinal)}</td></tr>"))
            + "</table>";

    [Fact]
    public void Small_table_is_its_rows()
    {
        Assert.Equal("Harbour | Keeper | Depth\nPort 1 | Keeper 1 | 3 m", Text("a.md", Markdown(Rows(1))));
        Assert.Equal("Harbour | Keeper | Depth\nPort 1 | Keeper 1 | 3 m", Text("a.html", Html(Rows(1))));
    }

    [Fact]
    public void Each_row_of_a_large_table_says_what_its_values_are_as_in_csv()
    {
        string csv = Text("a.csv", "Harbour,Keeper,Depth\n" + string.Join('\n', Rows(100)).Replace('|', ','));
        Assert.Equal(csv, Text("a.md", Markdown(Rows(100))));
        Assert.Equal(csv, Text("a.html", Html(Rows(100))));
        Assert.Equal(
            csv, Text("a.html", Html(Rows(100)).Replace("th>", "td>", StringComparison.Ordinal)
            .Replace("<thead>", "", StringComparison.Ordinal)));
        Assert.EndsWith("\n\nHarbour: Port 100\nKeeper: Keeper 100\nDepth: 300 m", csv, StringComparison.Ordinal);
    }

    [Fact]
    public void Headings_stand_in_every_chunk_and_chunks_end_between_rows()
    {
        string text = Text("a.md", "# Ports\n\n" + Markdown(Rows(100)));
        List<Chunk> chunks = new Chunker(64, part => part.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length).Split(text);
        Assert.True(chunks.Count > 8);
        Assert.All(chunks.Skip(1), chunk => Assert.StartsWith("Harbour: Port", text[chunk.Start..], StringComparison.Ordinal));
    }

    [Fact]
    public void Headings_above_headings_are_read_from_the_top()
    {
        string rows = string.Concat(Enumerable.Range(1, 40).Select(i => $"<tr><td>Port {i}<td>{i}<td>{i + 1}<td>calm"));
        string text = Text("a.html", "<table><tr><th rowspan=2>Port<th colspan=2>Depth<th rowspan=2>Sea<tr><th>low<th>high" + rows
            + "</table>");
        Assert.StartsWith("Port: Port 1\nDepth low: 1\nDepth high: 2\nSea: calm\n\nPort: Port 2\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Value_over_several_rows_of_a_large_table_is_in_each_of_them()
    {
        string rows = string.Concat(
            Enumerable.Range(1, 30).Select(i => (i % 3 == 1 ? $"<tr><th rowspan=3>Coast {i / 3}" : "<tr>") + $"<td>Port {i}<td>{i} m"));
        Assert.Contains("Coast: Coast 4\nPort: Port 15\nDepth: 15 m",
            Text("a.html", "<table><tr><th>Coast<th>Port<th>Depth" + rows + "</table>"), StringComparison.Ordinal);
    }

    [Fact]
    public void Table_with_headings_at_the_side_keeps_its_lines()
    {
        string rows = string.Concat(Enumerable.Range(1, 40).Select(i => $"<tr><th>Property {i}<td>some value {i}"));
        Assert.StartsWith("Property 1 | some value 1\nProperty 2 | some value 2\n", Text("a.html", $"<table>{rows}</table>"),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Spans_without_measure_cost_no_more_than_their_limits()
    {
        string text = Text("a.html", "<table>"
            + string.Concat(Enumerable.Repeat("<tr>" + string.Concat(Enumerable.Repeat("<td colspan=99999999 rowspan=99999999>a", 50)), 50))
            + "</table>");
        Assert.InRange(text.Length, 50, 100_000);
    }
}
