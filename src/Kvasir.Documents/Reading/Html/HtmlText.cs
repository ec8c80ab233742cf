using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;

namespace Kvasir.Documents.Reading.Html;

/// <summary>HTML as plain text: what a reader of the page sees, without scripts, styles and navigation.</summary>
internal static class HtmlText
{
    /// <summary>
    /// The document; its title is the page's title, else its first h1, else its first heading, else <paramref name="name"/>.
    /// </summary>
    public static Document Parse(string html, string name)
    {
        using IHtmlDocument page = new HtmlParser().ParseDocument(XhtmlMarkup.ToHtml(html));
        var styles = new HtmlVisibility();
        var layout = new HashSet<INode>();
        Survey(page, styles, layout);
        var text = new HtmlWriter(styles, layout, inline: false);
        if (page.Body is { } body) text.Write(body);
        string? title = new[] { Title(page), text.Heading }.FirstOrDefault(title => title.Length > 0);
        return new Document(null, title ?? name, text.ToString());
    }

    /// <summary>Visits a node and those below it, depth first without recursion, so that deep nesting costs no stack.</summary>
    /// <param name="root">The node.</param>
    /// <param name="open">Told of each node; false passes over what is below it.</param>
    /// <param name="close">Told when all below an opened node is done.</param>
    public static void Walk(INode root, Func<INode, bool> open, Action<INode> close)
    {
        var path = new Stack<(INode Node, int Next)>();
        if (open(root)) path.Push((root, 0));
        while (path.TryPop(out (INode Node, int Next) at))
        {
            if (at.Next == at.Node.ChildNodes.Length)
            {
                close(at.Node);
                continue;
            }

            path.Push((at.Node, at.Next + 1));
            INode child = at.Node.ChildNodes[at.Next];
            if (open(child)) path.Push((child, 0));
        }
    }

    /// <summary>Collects the style sheets, and the tables that only lay out the page: others stand in them, or headings.</summary>
    private static void Survey(IHtmlDocument page, HtmlVisibility styles, HashSet<INode> layout)
    {
        var tables = new Stack<IElement>();
        Walk(page, Open, Close);

        bool Open(INode node)
        {
            if (node is not IElement element) return node is IHtmlDocument;
            if (element.LocalName == "style") styles.Add(element);
            else if (element.LocalName is "table" or "h1" or "h2" or "h3" or "h4" or "h5" or "h6" && tables.TryPeek(out IElement? around))
                layout.Add(around);

            if (element.LocalName == "table") tables.Push(element);
            return true;
        }

        void Close(INode node)
        {
            if (tables.TryPeek(out IElement? table) && ReferenceEquals(node, table))
            {
                tables.Pop();
                if (table.GetAttribute("role") is "presentation" or "none") layout.Add(table);
            }
        }
    }

    /// <summary>The parser's own look-ups recurse, so the title is sought where it belongs only.</summary>
    private static string Title(IHtmlDocument page)
    {
        IElement? title = page.Head?.Children.FirstOrDefault(element => element.LocalName == "title");
        return WhiteSpace.Collapse(string.Concat(title?.ChildNodes.OfType<IText>().Select(text => text.Data) ?? []));
    }
}
