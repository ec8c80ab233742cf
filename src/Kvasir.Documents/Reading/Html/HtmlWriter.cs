using AngleSharp.Dom;

namespace Kvasir.Documents.Reading.Html;

/// <summary>Writes what is shown of a part of a page as text.</summary>
/// <param name="styles">What is not shown.</param>
/// <param name="layout">Tables that are no tables: their cells are blocks.</param>
/// <param name="inline">Whether all of it stands in one line.</param>
internal sealed class HtmlWriter(HtmlVisibility styles, HashSet<INode> layout, bool inline)
{
    private const int LargestSpan = 1000;

    private static readonly HashSet<string> s_dropped = new(StringComparer.OrdinalIgnoreCase)
    {
        "script", "style", "nav", "noscript", "template", "head", "iframe", "object", "svg", "canvas", "button", "select", "textarea",
            "input", "datalist", "audio", "video",
    };

    private static readonly HashSet<string> s_blocks = new(StringComparer.OrdinalIgnoreCase)
    {
        "address", "article", "aside", "blockquote", "body", "center", "details", "dialog", "dir", "div", "dl", "fieldset", "figure",
            "figcaption", "footer", "form", "h1", "h2", "h3", "h4",
        "h5", "h6", "header", "hr", "legend", "main", "menu", "ol", "p", "pre", "section", "summary", "table", "td", "th", "ul",
    };

    private static readonly HashSet<string> s_lines =
        new(StringComparer.OrdinalIgnoreCase) { "br", "dd", "dt", "li", "tr", "caption", "option" };

    private readonly PageText _text = new(inline);
    private readonly Stack<bool> _visible = new([true]);
    private readonly Stack<ItemNumbers> _lists = new();
    private string _heading = "", _firstHeading = "";
    private int _headingStart;

    /// <summary>The first h1, else the first heading of any level; empty where there is none.</summary>
    public string Heading => _heading.Length > 0 ? _heading : _firstHeading;

    public void Write(INode node) => HtmlText.Walk(node, Open, Close);

    public override string ToString() => _text.ToString();

    private bool Open(INode node)
    {
        if (node is IText content && _visible.Peek()) _text.Append(content.Data);
        if (node is not IElement element || s_dropped.Contains(element.LocalName) || styles.Of(element) is not (true, var visible))
            return false;

        Break(element);
        if (element.LocalName == "table" && !inline && !layout.Contains(element))
        {
            WriteTable(element);
            return false;
        }

        _visible.Push(visible ?? _visible.Peek());
        Begin(element);
        return true;
    }

    private void Begin(IElement element)
    {
        switch (element.LocalName)
        {
            case "ol" or "ul" or "menu" or "dir":
                _lists.Push(new ItemNumbers(element));
                _text.Indent++;
                break;
            case "li" when _visible.Peek() && !(inline && _lists.Count == 0):
                _text.AppendMark(_lists.TryPeek(out ItemNumbers? list) ? list.Next(element) : "-");
                break;
            case "img" when element.GetAttribute("alt") is { Length: > 0 } alternative && _visible.Peek():
                _text.Append(alternative);
                break;
            case "pre":
                _text.Preformatted++;
                break;
            case ['h', >= '1' and <= '6']:
                _headingStart = _text.Length;
                break;
        }
    }

    private void Close(INode node)
    {
        if (node is not IElement element) return;
        switch (element.LocalName)
        {
            case "ol" or "ul" or "menu" or "dir":
                _lists.Pop();
                _text.Indent--;
                break;
            case "pre":
                _text.Preformatted--;
                break;
            case ['h', >= '1' and <= '6']:
                string heading = _text.LineFrom(_headingStart);
                _firstHeading = _firstHeading.Length > 0 ? _firstHeading : heading;
                _heading = _heading.Length > 0 || element.LocalName != "h1" ? _heading : heading;
                break;
        }

        _visible.Pop();
        Break(element);
    }

    private void Break(IElement element)
    {
        if (s_blocks.Contains(element.LocalName)) _text.Break(2);
        else if (s_lines.Contains(element.LocalName)) _text.Break(1);
    }

    private void WriteTable(IElement table)
    {
        var rows = new TableText();
        Walk(table, inHead: false);
        if (rows.ToString() is { Length: > 0 } text)
        {
            _text.AppendLines(text);
            _text.Break(2);
        }

        void Walk(IElement part, bool inHead)
        {
            foreach (IElement child in part.ChildNodes.OfType<IElement>().OrderBy(Place)
                .Where(child => styles.Of(child) is (true, not false)))
            {
                switch (child.LocalName)
                {
                    case "caption":
                        _text.AppendLines(Line(child));
                        _text.Break(2);
                        break;
                    case "thead" or "tbody" or "tfoot":
                        Walk(child, child.LocalName == "thead");
                        break;
                    case "tr":
                        rows.Add(
                            [.. child.ChildNodes.OfType<IElement>()
                            .Where(cell => cell.LocalName is "td" or "th" && styles.Of(cell).Displayed)
                            .Select(cell => CellOf(cell, inHead))]);
                        break;
                }
            }
        }
    }

    /// <summary>Where a part of a table is shown, wherever it is written.</summary>
    private static int Place(IElement part) => part.LocalName switch
    {
        "caption" => 0,
        "thead" => 1,
        "tfoot" => 3,
        _ => 2,
    };

    private Cell CellOf(IElement cell, bool inHead) =>
        new(Line(cell), inHead || cell.LocalName == "th") { Columns = Span(cell, "colspan"), Rows = Span(cell, "rowspan") };

    private string Line(IElement element)
    {
        var line = new HtmlWriter(styles, layout, inline: true);
        line._visible.Push(_visible.Peek());
        line.Write(element);
        return WhiteSpace.Collapse(line.ToString());
    }

    private static int Span(IElement cell, string attribute) =>
        int.TryParse(cell.GetAttribute(attribute), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
            CultureInfo.InvariantCulture, out int span) ? Math.Clamp(span, 1, LargestSpan) : 1;

    /// <summary>The marks of a list's items.</summary>
    private sealed class ItemNumbers
    {
        private readonly bool _ordered;
        private readonly string _format;
        private readonly int _step;
        private int _next;

        public ItemNumbers(IElement list)
        {
            _ordered = list.LocalName == "ol";
            _format = list.GetAttribute("type") switch
            {
                "a" =>
                "lowerLetter",
                "A" => "upperLetter",
                "i" => "lowerRoman",
                "I" => "upperRoman",
                _ => ""
            };
            _step = list.HasAttribute("reversed") ? -1 : 1;
            _next = Number(list, "start") ?? (_step < 0 ? list.ChildNodes.OfType<IElement>().Count(child => child.LocalName == "li") : 1);
        }

        public string Next(IElement item)
        {
            int number = Number(item, "value") ?? _next;
            _next = unchecked(number + _step);
            return _ordered ? ListNumber.Format(number, _format) + "." : "-";
        }

        private static int? Number(IElement element, string attribute) =>
            int.TryParse(element.GetAttribute(attribute), NumberStyles.Integer, CultureInfo.InvariantCulture, out int number)
                ? number : null;
    }
}
