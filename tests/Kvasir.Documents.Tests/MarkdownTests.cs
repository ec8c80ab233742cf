namespace Kvasir.Documents.Tests;

public class MarkdownTests
{
    private static Document Read(string markdown) => Assert.Single(DocumentParser.Parse("a.md", Encoding.UTF8.GetBytes(markdown)));

    [Theory]
    [InlineData("| A | B |\n|---|---|\n| Ivo<br>Kent | x<BR />y |\n", "A | B\nIvo Kent | x y")]
    [InlineData("one<br>two  \nthree", "one\ntwo\nthree")]
    [InlineData("| A | B |\n|---|---|\n| `x \\| y` | p \\| q |\n", "A | B\nx | y | p | q")]
    [InlineData("Prices:\n| A | B |\n|---|:-:|\n| 1 | 2 |\nall sold out", "Prices:\n\nA | B\n1 | 2\n\nall sold out")]
    [InlineData("- Prices:\n  A | B\n  --|--\n  1 | 2\n- end", "- Prices:\n  A | B\n1 | 2\n- end")]
    [InlineData("5. five\n6. six\n\ntext\n\n3) three", "5. five\n6. six\n\ntext\n\n3. three")]
    [InlineData("Text[^1] goes on.\n\n[^1]: The note.\n", "Text[1] goes on.\n\n1. The note.")]
    [InlineData("<table>\n<tr><th>Item</th><th>Price</th></tr>\n\n<tr><td>Desk</td>\n\n<td>\n\n**40**\n\n</td></tr>\n</table>\n",
        "Item | Price\nDesk | 40")]
    [InlineData("<details>\n<summary>More</summary>\n\nOpened *text*.\n\n</details>\n", "More\n\nOpened text.")]
    [InlineData("<div hidden>\n\nno\n\n</div>\n\nseen <span style=\"display:none\">no</span>", "seen")]
    [InlineData("Write <script> or <textarea> and List<string> here.\n\nMore ~~old~~ text.", "Write or and List here.\n\nMore old text.")]
    [InlineData("a\u00ADb &shy;c", "ab c")]
    public void Page_that_it_makes_is_read(string markdown, string text) => Assert.Equal(text, Read(markdown).Text);

    [Fact]
    public void Values_of_front_matter_are_text_and_its_title_the_title()
    {
        Document yaml =
            Read("---\ntitle: \"The harbour: a guide\"\ntags: [ferry, 'tram']\nauthor:\n  - \"Greta Holm\"\n---\n\n# Hours\n\nOpen at "
                + "six.");
        Assert.Equal("The harbour: a guide", yaml.Title);
        Assert.Equal("title: The harbour: a guide\ntags: [ferry, tram]\nauthor:\n  - Greta Holm\n\nHours\n\nOpen at six.", yaml.Text);
        Document toml = Read("+++\ntitle = \"Ports\"\n+++\nText.");
        Assert.Equal(("Ports", "title = Ports\n\nText."), (toml.Title, toml.Text));
        Assert.Equal("Hours", Read("---\nlang: en\n---\n# Hours").Title);
    }

    [Theory]
    [InlineData("---\n\nThe ferry: leaves at nine.\n\n---\n\nThe tram.", "The ferry: leaves at nine.\n\nThe tram.")]
    [InlineData("---\nThe ferry leaves at nine.\n\n---\nThe tram.", "The ferry leaves at nine.\n\nThe tram.")]
    [InlineData("---\n# Ferry\n\nIt leaves.\n\n---\n", "Ferry\n\nIt leaves.")]
    [InlineData("---\nkey: value that never ends\n\nThe tram.", "key: value that never ends\n\nThe tram.")]
    [InlineData("text\n\n---\nkey: value\n---\n", "text\n\nkey: value")]
    public void Rule_is_no_front_matter(string markdown, string text) => Assert.Equal(text, Read(markdown).Text);
}
