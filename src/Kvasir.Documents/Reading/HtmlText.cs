using System.Text;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;

namespace Kvasir.Documents.Reading;

/// <summary>HTML as plain text: what a reader of the page sees, without scripts, styles and navigation.</summary>
internal static class HtmlText
{
    private static readonly HashSet<string> s_dropped = new(StringComparer.OrdinalIgnoreCase)
    {
        "script", "style", "nav", "noscript", "template", "head", "iframe", "object", "svg", "canvas", "button", "select", "textarea", "input",
    };

    private static readonly HashSet<string> s_blocks = new(StringComparer.OrdinalIgnoreCase)
    {
        "address", "article", "aside", "blockquote", "body", "details", "div", "dl", "fieldset", "figure", "figcaption", "footer", "form", "h1", "h2", "h3", "h4",
        "h5", "h6", "header", "hr", "main", "ol", "p", "pre", "section", "summary", "table", "ul",
    };

    private static readonly HashSet<string> s_lines = new(StringComparer.OrdinalIgnoreCase) { "br", "dd", "dt", "li", "tr", "caption", "option" };

    /// <summary>The document; its title is the page's title, else its first h1, else <paramref name="name"/>.</summary>
    public static Document Parse(string html, string name)
    {
        using IHtmlDocument page = new HtmlParser().ParseDocument(html);
        var text = new PageText();
        Walk(page.Body, text);
        string? title = new[] { Title(page), text.Heading }.FirstOrDefault(title => title.Length > 0);
        return new Document(null, title ?? name, text.ToString());
    }

    /// <summary>The parser's own look-ups recurse, so the title is sought where it belongs only.</summary>
    private static string Title(IHtmlDocument page)
    {
        IElement? title = page.Head?.Children.FirstOrDefault(element => element.LocalName == "title");
        return Collapse(string.Concat(title?.ChildNodes.OfType<IText>().Select(text => text.Data) ?? []));
    }

    /// <summary>Depth first without recursion, so that deep nesting costs no stack.</summary>
    private static void Walk(INode? root, PageText text)
    {
        INode? node = root;
        while (node is not null)
        {
            bool enter = Open(node, text);
            if (enter && node.FirstChild is { } child)
            {
                node = child;
                continue;
            }

            while (node is not null)
            {
                Close(node, text);
                if (ReferenceEquals(node, root))
                {
                    return;
                }

                if (node.NextSibling is { } sibling)
                {
                    node = sibling;
                    break;
                }

                node = node.Parent;
            }
        }
    }

    private static bool Open(INode node, PageText text)
    {
        if (node is IText content)
        {
            text.Append(content.Data);
            return false;
        }

        if (node is not IElement element || s_dropped.Contains(element.LocalName))
        {
            return false;
        }

        Break(element, text);
        switch (element.LocalName)
        {
            case "li":
                text.AppendMark("- ");
                break;
            case "td" or "th" when element.PreviousElementSibling is not null:
                text.AppendMark(" | ");
                break;
            case "img" when element.GetAttribute("alt") is { Length: > 0 } alternative:
                text.Append(alternative);
                break;
            case "pre":
                text.Preformatted++;
                break;
            case "h1":
                text.BeginHeading();
                break;
        }

        return true;
    }

    private static void Close(INode node, PageText text)
    {
        if (node is IElement element && !s_dropped.Contains(element.LocalName))
        {
            if (element.LocalName == "pre")
            {
                text.Preformatted--;
            }
            else if (element.LocalName == "h1")
            {
                text.EndHeading();
            }

            Break(element, text);
        }
    }

    private static void Break(IElement element, PageText text)
    {
        if (s_blocks.Contains(element.LocalName))
        {
            text.Break(2);
        }
        else if (s_lines.Contains(element.LocalName))
        {
            text.Break(1);
        }
    }

    private static string Collapse(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    /// <summary>Text with white space collapsed and the wanted number of line breaks between blocks.</summary>
    private sealed class PageText
    {
        private readonly StringBuilder _text = new();
        private int _breaks;
        private bool _space;
        private int _headingStart = -1;

        /// <summary>The text of the first h1.</summary>
        public string Heading { get; private set; } = "";

        /// <summary>Above 0 inside preformatted elements, where white space stands as it is.</summary>
        public int Preformatted { get; set; }

        public void Break(int lines) => _breaks = Math.Max(_breaks, lines);

        public void BeginHeading() => _headingStart = _text.Length;

        public void EndHeading()
        {
            if (Heading.Length == 0 && _headingStart >= 0 && _headingStart <= _text.Length)
            {
                Heading = Collapse(_text.ToString(_headingStart, _text.Length - _headingStart));
            }
        }

        public void Append(string text)
        {
            if (Preformatted > 0)
            {
                Flush();
                _text.Append(text);
                return;
            }

            foreach (char c in text)
            {
                if (char.IsWhiteSpace(c))
                {
                    _space = true;
                }
                else
                {
                    Flush();
                    _text.Append(c);
                }
            }
        }

        public void AppendMark(string mark)
        {
            _space = false;
            Flush();
            _text.Append(mark);
        }

        public override string ToString() => _text.ToString().Trim();

        private void Flush()
        {
            if (_breaks > 0 && _text.Length > 0)
            {
                while (_text.Length > 0 && _text[^1] is ' ' or '\n')
                {
                    _text.Length--;
                }

                _text.Append('\n', _breaks);
            }
            else if (_space && _text.Length > 0 && !char.IsWhiteSpace(_text[^1]))
            {
                _text.Append(' ');
            }

            _breaks = 0;
            _space = false;
        }
    }
}
