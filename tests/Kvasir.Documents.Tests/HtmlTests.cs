namespace Kvasir.Documents.Tests;

public class HtmlTests
{
    private static string Text(string html, string name = "a.html") =>
        Assert.Single(DocumentParser.Parse(name, Encoding.UTF8.GetBytes(html))).Text;

    [Theory]
    [InlineData("<p>seen</p><p hidden>no</p>")]
    [InlineData("<p>seen</p><div style='color: red; DISPLAY : none'><p>no</p></div>")]
    [InlineData("<p>seen</p><p style='visibility:hidden'>no <b>no</b></p>")]
    [InlineData("<style>.x{display:none}</style><p>seen</p><p class='a x'>no</p>")]
    [InlineData(
        "<style>/* .y{} */ #x , p.z { color:red; display: none !important }</style><p>seen</p><p id=x>no</p><p class=z "
        + "style='display:block'>no</p>")]
    [InlineData("<style>nav + div > .x:not(.y) { visibility: collapse }</style><p>seen</p><nav></nav><div><i class=x>no</i></div>")]
    [InlineData("<style>@media screen { .x { display: none } } @import 'y';</style><p>seen</p><p class=x>no</p>")]
    [InlineData("<head><style media='all'>dd{display:none}</style></head><p>seen</p><dl><dd>no</dd></dl>")]
    [InlineData("<style><!-- .x{display:none} --></style><p>seen</p><p class=x>no</p>")]
    [InlineData("<p>seen</p><dialog>no</dialog><template>no</template>")]
    [InlineData("<p>seen</p><table hidden><tr><td>no</td></tr></table>")]
    public void What_is_not_shown_is_left_out(string html) => Assert.Equal("seen", Text(html));

    [Theory]
    [InlineData("<style>@media print{.x{display:none}} @media (max-width: 600px){.x{display:none}}</style><p class=x>seen</p>")]
    [InlineData("<style media=print>.x{display:none}</style><p class=x>seen</p>")]
    [InlineData("<style>.x{display:none} .x.on{display:block}</style><p class='x on'>seen</p>")]
    [InlineData("<style>.x{display:none} .x{display:block}</style><p class=x>seen</p>")]
    [InlineData(
        "<style>p{display:none} .x{display:block} .y .x{display:none} .z:hover{display:none} .x::before{display:none}</style><p class='x "
        + "z'>seen</p>")]
    [InlineData("<div style='visibility:hidden'>no <p style='visibility:visible'>seen</p></div>")]
    [InlineData("<style>div{display:block}</style><div hidden>seen</div>")]
    [InlineData("<style>body{visibility:hidden} .x{display:none</style><body><details><summary>seen</summary></details>")]
    [InlineData("<style>.x{display:none}</style><p class=x style='display:inline'>seen</p>")]
    public void What_is_shown_is_kept(string html) => Assert.Equal("seen", Text(html));

    [Fact]
    public void Items_are_numbered_as_the_page_shows_them() =>
        Assert.Equal(
            "7. a\n8. b\n20. c\n21. d\n\n3. x\n2. y\n1. z\n\nb. p\nc. q\n\nIV. r\n\n- s\n  1. t\n  2. u\n    - v\n- w",
            Text("""
                <ol start=7><li>a<li>b<li value=20>c<li>d</ol><ol reversed><li>x<li>y<li>z</ol><ol type=a start=2><li>p<li>q</ol><ol type=I start=4><li>r</ol>
                <ul><li>s<ol><li>t</li><li>u<ul><li>v</ul></ol></li><li>w</ul>
                """));

    [Fact]
    public void Paragraphs_in_items_and_cells_stand_in_their_line()
    {
        Assert.Equal("- one\n- two\n  more", Text("<ul><li><p>one</p></li><li><p>two</p><p>more</p></li></ul>"));
        Assert.Equal("a b | c d e\nf g | h",
            Text("<table><tr><td><p>a</p><p>b</p></td><td>c<br>d<div>e</div></td></tr><tr><td><pre>f\n  "
            + "g</pre></td><td><ul><li>h</ul></td></tr></table>").Replace("- ", "", StringComparison.Ordinal));
    }

    [Fact]
    public void Soft_hyphens_and_word_breaks_are_not_seen() =>
        Assert.Equal("harbourmaster", Text("<p>har&shy;bour<wbr>mas\u00ADt&ZeroWidthSpace;er</p>"));

    [Fact]
    public void Definitions_and_forms_are_lines() =>
        Assert.Equal("term\nmeaning\nother\nthing\n\nend", Text("<dl><dt>term<dd>meaning<dt>other<dd>thing</dl><p>end"));

    [Fact]
    public void Table_that_lays_out_a_page_is_read_as_its_blocks() =>
        Assert.Equal("Harbour\n\nThe ferry leaves.\n\nPort | Staff\nArden | 4",
            Text("<table><tr><td><h1>Harbour</h1><p>The ferry "
            + "leaves.</p></td><td><table><tr><th>Port<th>Staff<tr><td>Arden<td>4</table></td></tr></table>"));

    [Fact]
    public void Spanned_cells_belong_to_each_of_their_rows() =>
        Assert.Equal(
            "Prices of 2024\n\nKind | Item | Price\nLight | Lamp | 15\nLight | Torch | 9\nall sold out",
            Text("<table><caption>Prices of 2024</caption><tr><th>Kind<th>Item<th>Price<tr><td "
                + "rowspan=2>Light<td>Lamp<td>15<tr><td>Torch<td>9<tr><td colspan=3>all sold out</table>"));

    [Fact]
    public void Parts_of_a_table_stand_where_they_are_shown() =>
        Assert.Equal(
            "Prices\n\nItem | Price\nLamp | 15\nTotal | 15",
            Text("<table><tfoot><tr><td>Total<td>15</tfoot><tbody><tr><td>Lamp<td>15</tbody><thead><tr><td>Item<td>Price</thead>"
                + "<caption>Prices</caption></table>"));

    [Fact]
    public void Xhtml_is_read_as_xml()
    {
        Assert.Equal(
            "T", Assert.Single(
            DocumentParser.Parse("a.xhtml",
            "<?xml version='1.0'?><html><head><title>T</title><script src='x'/></head><body>b</body></html>"u8.ToArray())).Title);
        Assert.Equal("a < b\n\nc\u00A0d & e".Replace('\u00A0', ' '), Text("""
            <!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><script src="x.js"/><style>p > .x { display: none }</style></head>
            <body><div/><p>a <![CDATA[< b]]><b class="x">no</b></p><br/><textarea/><p>c&nbsp;d &amp; e</p></body></html>
            """, "a.xhtml"));
        Assert.Equal("not closed", Text("<?xml version='1.0'?><html><body><p>not <b>closed</body></html>", "a.xhtml"));
    }

    [Theory]
    [InlineData("<p>word</p>")]
    [InlineData("<p class='a'>word</p>\n")]
    [InlineData("<ul><li><p>word</p></li></ul>")]
    [InlineData("<table><tr><td>word</td></tr></table>")]
    public void Time_grows_with_the_length(string part)
    {
        string Page(int count) => "<style>.b{display:none} #c{display:none}</style><body>" + string.Concat(Enumerable.Repeat(part, count));
        TimeSpan Fastest(string page) => Enumerable.Range(0, 3).Min(_ =>
        {
            var clock = Stopwatch.StartNew();
            Text(page);
            return clock.Elapsed;
        });
        Fastest(Page(100));
        TimeSpan small = Fastest(Page(4_000)), large = Fastest(Page(32_000));
        Assert.True(large < small * 32 + TimeSpan.FromMilliseconds(200), $"{small} for a page, {large} for one eight times as long");
    }
}
