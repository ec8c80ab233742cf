using System.Globalization;
using System.Text;
using Markdig;
using Markdig.Extensions.Tables;
using Markdig.Extensions.Yaml;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Kvasir.Documents.Reading;

/// <summary>Markdown as plain text: headings, paragraphs, lists, tables and code stay readable, markup goes.</summary>
internal static class MarkdownText
{
    private static readonly MarkdownPipeline s_pipeline = new MarkdownPipelineBuilder().UsePipeTables().UseYamlFrontMatter().Build();

    /// <summary>The document; its title is the first heading, else <paramref name="name"/>.</summary>
    public static Document Parse(string markdown, string name)
    {
        MarkdownDocument tree;
        try
        {
            tree = Markdown.Parse(markdown, s_pipeline);
        }
        catch (ArgumentException)
        {
            // Nested beyond the parser's limit: its source is text too.
            return new Document(null, name, markdown.TrimEnd());
        }

        var text = new StringBuilder();
        WriteBlocks(tree, text, "");
        HeadingBlock? heading = tree.OfType<HeadingBlock>().FirstOrDefault();
        string title = heading is null ? "" : Inline(heading.Inline).Trim();
        return new Document(null, title.Length > 0 ? title : name, text.ToString().TrimEnd());
    }

    private static void WriteBlocks(ContainerBlock blocks, StringBuilder text, string indent)
    {
        foreach (Block block in blocks)
        {
            switch (block)
            {
                case YamlFrontMatterBlock or LinkReferenceDefinitionGroup or ThematicBreakBlock:
                    break;
                case CodeBlock code:
                    WriteParagraph(text, indent, code.Lines.ToString());
                    break;
                case HtmlBlock html:
                    WriteParagraph(text, indent, HtmlText.Parse(html.Lines.ToString(), "").Text);
                    break;
                case Table table:
                    WriteTable(table, text, indent);
                    break;
                case ListBlock list:
                    WriteList(list, text, indent);
                    break;
                case LeafBlock leaf:
                    WriteParagraph(text, indent, Inline(leaf.Inline).Trim());
                    break;
                case ContainerBlock container:
                    WriteBlocks(container, text, indent);
                    break;
            }
        }
    }

    private static void WriteParagraph(StringBuilder text, string indent, string paragraph)
    {
        if (string.IsNullOrWhiteSpace(paragraph))
        {
            return;
        }

        text.Append(indent).Append(paragraph.TrimEnd().Replace("\n", "\n" + indent, StringComparison.Ordinal)).Append("\n\n");
    }

    private static void WriteList(ListBlock list, StringBuilder text, string indent)
    {
        int number = int.TryParse(list.OrderedStart, CultureInfo.InvariantCulture, out int start) ? start : 1;
        foreach (ListItemBlock item in list.OfType<ListItemBlock>())
        {
            string bullet = list.IsOrdered ? $"{number++}. " : "- ";
            var inner = new StringBuilder();
            WriteBlocks(item, inner, indent + "  ");
            string body = inner.ToString().TrimEnd();
            if (body.Length > indent.Length + 2)
            {
                text.Append(indent).Append(bullet).Append(body, indent.Length + 2, body.Length - indent.Length - 2).Append('\n');
            }
        }

        text.Append('\n');
    }

    private static void WriteTable(Table table, StringBuilder text, string indent)
    {
        foreach (TableRow row in table.OfType<TableRow>())
        {
            text.Append(indent).AppendJoin(" | ", row.OfType<TableCell>().Select(CellText)).Append('\n');
        }

        text.Append('\n');
    }

    private static string CellText(TableCell cell) =>
        string.Join(' ', cell.OfType<LeafBlock>().Select(block => Inline(block.Inline).Trim()));

    private static string Inline(ContainerInline? inlines)
    {
        var text = new StringBuilder();
        WriteInlines(inlines, text);
        return text.ToString();
    }

    private static void WriteInlines(ContainerInline? inlines, StringBuilder text)
    {
        for (Inline? inline = inlines?.FirstChild; inline is not null; inline = inline.NextSibling)
        {
            switch (inline)
            {
                case LiteralInline literal:
                    text.Append(literal.Content.AsSpan());
                    break;
                case CodeInline code:
                    text.Append(code.Content);
                    break;
                case LineBreakInline line:
                    text.Append(line.IsHard ? '\n' : ' ');
                    break;
                case AutolinkInline link:
                    text.Append(link.Url);
                    break;
                case HtmlEntityInline entity:
                    text.Append(entity.Transcoded.AsSpan());
                    break;
                case ContainerInline container:
                    WriteInlines(container, text);
                    break;
            }
        }
    }
}
