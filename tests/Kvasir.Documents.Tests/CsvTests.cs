using System.Text;
using Kvasir.Documents.Chunking;
using Kvasir.Documents.Reading;

namespace Kvasir.Tests;

public class CsvTests
{
    private static string Text(string content, string name = "people.csv") => Assert.Single(DocumentReader.Parse(name, Encoding.UTF8.GetBytes(content))).Text;

    [Theory]
    [InlineData(",")]
    [InlineData(";")]
    [InlineData("\t")]
    [InlineData("|")]
    public void Rows_become_lines_of_heading_and_value_whatever_the_delimiter(string delimiter) =>
        Assert.Equal(
            "Name: Ann Lee\nCity: Oslo\nAge: 41\n\nName: Bo\nAge: 7",
            Text("Name,City,Age\r\nAnn Lee,Oslo,41\r\n\r\nBo,,7\r\n".Replace(",", delimiter, StringComparison.Ordinal)));

    [Fact]
    public void Quoted_values_keep_delimiters_quotes_and_lines() =>
        Assert.Equal("Item: Desk, oak\nNote: 5\" wide, \"old\" and tall\nPrice: 1,200.50", Text("Item;Note;Price\n\"Desk, oak\";\"5\"\" wide,\n\"\"old\"\" and; tall\";1,200.50\n".Replace("and;", "and", StringComparison.Ordinal)));

    [Fact]
    public void Delimiter_inside_quotes_does_not_decide() =>
        Assert.Equal("A: x;y;z\nB: 1\n\nA: u;v;w\nB: 2", Text("A,B\n\"x;y;z\",1\n\"u;v;w\",2\n"));

    [Theory]
    [InlineData("1,2\n3,4\n", "1 | 2\n\n3 | 4")]
    [InlineData("Ann,1987-02-01\nBo,1990-07-12\n", "Ann | 1987-02-01\n\nBo | 1990-07-12")]
    [InlineData("x,x\ny,z\n", "x | x\n\ny | z")]
    public void Table_without_headings_keeps_its_first_row(string content, string text) => Assert.Equal(text, Text(content));

    [Fact]
    public void Headings_alone_are_still_text() => Assert.Equal("Name | Age", Text("Name,Age\n"));

    [Fact]
    public void Rows_longer_or_shorter_than_the_header_keep_their_values() =>
        Assert.Equal("A: 1\n\nA: 2\nB: 3\n4", Text("A,B\n1\n2,3,4\n"));

    [Fact]
    public void Chunks_end_between_rows()
    {
        string content = "Name,Remark\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"person {i},Some words. And more words about {i}\n"));
        string text = Text(content);
        List<Chunk> chunks = new Chunker(64, part => part.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length).Split(text);
        Assert.True(chunks.Count > 5);
        Assert.All(chunks, chunk => Assert.StartsWith("Name: person", text[chunk.Start..], StringComparison.Ordinal));
    }

    [Fact]
    public void Unclosed_quote_loses_no_text() => Assert.Contains("rest of it 2", Text("A,B\n\"open,1\nrest of it,2\n").Replace(',', ' '), StringComparison.Ordinal);
}
