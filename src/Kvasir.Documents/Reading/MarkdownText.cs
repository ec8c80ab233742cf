using System.Text.RegularExpressions;
using Kvasir.Documents.Reading.Html;
using Markdig;
using Markdig.Extensions.EmphasisExtras;
using Markdig.Extensions.Footnotes;
using Markdig.Extensions.Tables;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Kvasir.Documents.Reading;

/// <summary>
/// Markdown as the text of the page that it makes: headings, paragraphs, lists, tables and code stay readable, markup goes.
/// </summary>
internal static partial class MarkdownText
{
    private static readonly MarkdownPipeline s_pipeline =
        new MarkdownPipelineBuilder().UsePipeTables().UseFootnotes().UseEmphasisExtras(EmphasisExtraOptions.Strikethrough).Build();

    /// <summary>The document; its title is that of the front matter, else the first heading, else <paramref name="name"/>.</summary>
    public static Document Parse(string markdown, string name)
    {
        string values = "";
        if (FrontMatter().Match(markdown) is { Success: true } front)
        {
            values = string.Join('\n', front.Groups["line"].Captures.Select(line => Quotes().Replace(line.Value, "").TrimEnd())
                .Where(line => line.Length > 0));
            markdown = markdown[front.Length..];
        }

        Document page = Page(markdown, Title().Match(values) is { Success: true } title
            ? title.Groups["title"].Value : name, given: Title().IsMatch(values));
        return page with { Text = $"{values}\n\n{page.Text}".Trim('\n') };
    }

    private static Document Page(string markdown, string name, bool given)
    {
        try
        {
            MarkdownDocument tree = Markdown.Parse(WithTablesApart(markdown), s_pipeline);
            Prepare(tree);
            Document page = HtmlText.Parse(tree.ToHtml(s_pipeline), name);
            return given ? page with { Title = name } : page;
        }
        catch (ArgumentException)
        {
            // Nested beyond the parser's limit: its source is text too.
            return new Document(null, name, markdown.TrimEnd());
        }
    }

    /// <summary>The source with a blank line around tables that stand right below or above text, as sites show them.</summary>
    private static string WithTablesApart(string markdown)
    {
        string[] lines = markdown.Split('\n');
        var apart = new StringBuilder();
        bool inTable = false;
        for (int i = 0; i < lines.Length; i++)
        {
            bool isRow = lines[i].Contains('|', StringComparison.Ordinal)
                && (inTable || (i + 1 < lines.Length && DashRow().IsMatch(lines[i + 1])));
            if (isRow != inTable && i > 0) apart.Append('\n');
            apart.Append(lines[i]).Append('\n');
            inTable = isRow;
        }

        return apart.ToString();
    }

    private static void Prepare(MarkdownDocument tree)
    {
        foreach (HtmlInline inline in tree.Descendants<HtmlInline>().Where(inline => Swallowing().IsMatch(inline.Tag)))
        {
            // Talk of tags in a sentence; in a page they would take away all text up to their end.
            inline.Tag = "";
        }

        foreach (CodeInline code in tree.Descendants<Table>().SelectMany(table => table.Descendants<CodeInline>()))
            code.Content = code.Content.Replace("\\|", "|", StringComparison.Ordinal);

        foreach (FootnoteLink link in tree.Descendants<FootnoteLink>().ToList())
            link.ReplaceBy(new LiteralInline(link.IsBackLink ? "" : $"[{link.Footnote.Order}]"));
    }

    /// <summary>Keys with values between two rules, from the first line on; a rule with anything else behind it is a rule.</summary>
    [GeneratedRegex(
        """^(---|\+\+\+)[ \t]*\n(?=[\w"'.-]+[ \t]*[:=])(?<line>(?!(---|\.\.\.|\+\+\+)[ \t]*(\n|\z))[^\n]*\n)+(---|\.\.\.|\+\+\+)[ \t]*(\n|\z)""", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex FrontMatter();

    /// <summary>The row of dashes below a table's headings.</summary>
    [GeneratedRegex(@"^[ \t>]*(?=[^-]*-)(?=[^|]*\|)[|:-][|: \t-]*$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex DashRow();

    [GeneratedRegex("""^title\s*[:=]\s*(?<title>\S.*)$""",
        RegexOptions.IgnoreCase | RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Title();

    [GeneratedRegex("""(?<=[:=\[,-]\s*)["']|["'](?=\s*([\],]|$))""", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Quotes();

    [GeneratedRegex(
        "^</?(title|textarea|style|xmp|iframe|noembed|noframes|script|plaintext|select|button|template|noscript|object|canvas|svg|nav|audio|video|head|math|frameset)\\b", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Swallowing();
}
