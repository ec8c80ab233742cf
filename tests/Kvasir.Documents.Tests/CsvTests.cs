using Kvasir.Documents.Chunking;

namespace Kvasir.Documents.Tests;

public class CsvTests
{
    private static string Text(string content, string name = "people.csv") =>
        Assert.Single(DocumentParser.Parse(name, Encoding.UTF8.GetBytes(content))).Text;

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
        Assert.Equal("Item: Desk, oak\nNote: 5\" wide, \"old\" and tall\nPrice: 1,200.50",
            Text("Item;Note;Price\n\"Desk, oak\";\"5\"\" wide,\n\"\"old\"\" and; tall\";1,200.50\n"
            .Replace("and;", "and", StringComparison.Ordinal)));

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
        string content = "Name,Remark\n"
            + string.Concat(Enumerable.Range(0, 60).Select(i => $"person {i},Some words. And more words about {i}\n"));
        string text = Text(content);
        List<Chunk> chunks = new Chunker(64, part => part.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length).Split(text);
        Assert.True(chunks.Count > 5);
        Assert.All(chunks, chunk => Assert.StartsWith("Name: person", text[chunk.Start..], StringComparison.Ordinal));
    }

    [Fact]
    public void Unclosed_quote_loses_no_text() =>
        Assert.Contains("rest of it 2", Text("A,B\n\"open,1\nrest of it,2\n").Replace(',', ' '), StringComparison.Ordinal);

    [Theory]
    [InlineData("sep=;\nA;B, C\n1;x, y\n", "A: 1\nB, C: x, y")]
    [InlineData("sep=^\nA^B\n1^2\n", "A: 1\nB: 2")]
    [InlineData("\uFEFFSEP=,\r\nA,B\r\n1,2\r\n", "A: 1\nB: 2")]
    [InlineData("\"sep=;\"\nA;B, C\n1;x, y\n", "A: 1\nB, C: x, y")]
    [InlineData("sep=; \nA;B, C\n1;x, y\n", "A: 1\nB, C: x, y")]
    [InlineData("sep=,,,\nA,B\n1,2\n", "A: 1\nB: 2")]
    [InlineData("sep=\n\nA,B\n1,2\n", "sep=\n\nA: 1\nB: 2")]
    public void First_line_names_the_delimiter(string content, string text) => Assert.Equal(text, Text(content));

    [Fact]
    public void Only_ends_of_lines_end_rows() => Assert.Equal("A: x y\nB: 1", Text("A,B\nx\u2028y,1\n"));

    [Theory]
    [InlineData("Item;Price\nLamp;1,5\nDesk;22,5\n", "Item: Lamp\nPrice: 1,5\n\nItem: Desk\nPrice: 22,5")]
    [InlineData("Lamp;1,5\nDesk;22,5\n", "Lamp | 1,5\n\nDesk | 22,5")]
    [InlineData("Name, first;Port, land\nHolm, Ivo;Arden, NO\n", "Name, first: Holm, Ivo\nPort, land: Arden, NO")]
    [InlineData("Name|Note\nIvo|a, b; c\nKent|d, e; f\n", "Name: Ivo\nNote: a, b; c\n\nName: Kent\nNote: d, e; f")]
    [InlineData("Name,Tags\nIvo,a;b\nKent,c;d\n", "Name: Ivo\nTags: a;b\n\nName: Kent\nTags: c;d")]
    public void Delimiter_is_what_cuts_most_rows_alike(string content, string text) => Assert.Equal(text, Text(content));

    [Fact]
    public void File_of_tabs_is_cut_at_tabs()
    {
        Assert.Equal("Name: Ivo\nPort, land, sea: Arden, NO, N", Text("Name\tPort, land, sea\nIvo\tArden, NO, N\n", "a.tsv"));
        Assert.Equal("Name: Ivo\nPort: Arden", Text("Name,Port\nIvo,Arden\n", "a.tab"));
    }

    [Theory]
    [InlineData("Country,2020,2021\nNorland,5,6\nSudland,1500,7\n",
        "Country: Norland\n2020: 5\n2021: 6\n\nCountry: Sudland\n2020: 1500\n2021: 7")]
    [InlineData("2019;2020\n5;6\n", "2019: 5\n2020: 6")]
    [InlineData(",1,2,3\nMon,5,6,7\nTue,8,9,10\n", "Mon\n1: 5\n2: 6\n3: 7\n\nTue\n1: 8\n2: 9\n3: 10")]
    [InlineData("Port,2024-01-01,2024-02-01\nArden,4,5\n", "Port: Arden\n2024-01-01: 4\n2024-02-01: 5")]
    [InlineData("Name,Phone,Phone\nIvo,111,222\n", "Name: Ivo\nPhone: 111\nPhone: 222")]
    [InlineData("Name,Tag,Tag\nIvo,red,blue\n", "Name: Ivo\nTag: red\nTag: blue")]
    [InlineData("Lamp,15\nDesk,40\n", "Lamp | 15\n\nDesk | 40")]
    [InlineData("Arden,2019,2020\nMarlow,2019,2021\n", "Arden | 2019 | 2020\n\nMarlow | 2019 | 2021")]
    [InlineData("Lamp,5,9\nDesk,7,8\n", "Lamp | 5 | 9\n\nDesk | 7 | 8")]
    public void Numbers_are_headings_where_the_values_below_are_of_another_kind(string content, string text) =>
        Assert.Equal(text, Text(content));

    [Theory]
    [InlineData("# exported 2024\nName,City\nIvo,Arden\n", "exported 2024\n\nName: Ivo\nCity: Arden")]
    [InlineData("# by Greta, in May\nName,City\nIvo,Arden\n", "by Greta, in May\n\nName: Ivo\nCity: Arden")]
    [InlineData("Keepers of 2024;;\n\nName;City;Age\nIvo;Arden;41\n", "Keepers of 2024\n\nName: Ivo\nCity: Arden\nAge: 41")]
    [InlineData("Report;Keepers\nDate;2024\nName;City;Age;Sea\nIvo;Arden;41;calm\n",
        "Report; Keepers\n\nDate; 2024\n\nName: Ivo\nCity: Arden\nAge: 41\nSea: calm")]
    [InlineData("By Greta, in May\nPort,Q1,Q2\nArden,1,2\nMarlow,3,4\n",
        "By Greta, in May\n\nPort: Arden\nQ1: 1\nQ2: 2\n\nPort: Marlow\nQ1: 3\nQ2: 4")]
    [InlineData("Name,Age\nIvo,41,calm\nKent,7,rough\n", "Name: Ivo\nAge: 41\ncalm\n\nName: Kent\nAge: 7\nrough")]
    [InlineData("#,Name\n1,Ivo\n2,Kent\n", "#: 1\nName: Ivo\n\n#: 2\nName: Kent")]
    [InlineData("#id,Name\nx7,Ivo\nx9,Kent 2\n", "#id: x7\nName: Ivo\n\n#id: x9\nName: Kent 2")]
    public void Titles_and_comments_stand_before_the_table(string content, string text) => Assert.Equal(text, Text(content));
}
