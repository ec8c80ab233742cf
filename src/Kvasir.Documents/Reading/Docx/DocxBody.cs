using System.Text;
using System.Xml;

namespace Kvasir.Documents.Reading.Docx;

/// <summary>Turns the elements of a document part into blocks of text. Deleted and moved-away text, field codes and fallbacks for old programs are left out.</summary>
internal sealed class DocxBody(DocxStyles styles, DocxNumbering numbering)
{
    private const int DeepestTextBox = 100;
    private readonly BlockText _blocks = new();
    private readonly Stack<Paragraph> _paragraphs = new();
    private readonly List<string> _cells = [];
    private readonly StringBuilder _cell = new();
    private int _tables;
    private string? _list;
    private bool _inText;

    /// <summary>The first heading.</summary>
    public string? Heading { get; private set; }

    /// <summary>The value attribute of an element.</summary>
    public static string? Value(XmlReader xml) => Attribute(xml, "val");

    /// <summary>An attribute by its local name: the transitional and the strict form differ in namespaces alone.</summary>
    public static string? Attribute(XmlReader xml, string name)
    {
        for (bool found = xml.MoveToFirstAttribute(); found; found = xml.MoveToNextAttribute())
        {
            if (xml.LocalName == name)
            {
                string value = xml.Value;
                xml.MoveToElement();
                return value;
            }
        }

        xml.MoveToElement();
        return null;
    }

    /// <summary>Adds the blocks of a part: the document, its footnotes or endnotes.</summary>
    public void Read(XmlReader xml)
    {
        bool more = xml.Read();
        while (more)
        {
            if (xml is { NodeType: XmlNodeType.Element, LocalName: "moveFrom" or "Fallback" or "instrText" or "delText" })
            {
                xml.Skip();
                more = !xml.EOF;
                continue;
            }

            switch (xml.NodeType)
            {
                case XmlNodeType.Element:
                    bool empty = xml.IsEmptyElement;
                    string name = xml.LocalName;
                    Open(xml, name);
                    if (empty)
                    {
                        Close(name);
                    }

                    break;
                case XmlNodeType.EndElement:
                    Close(xml.LocalName);
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace or XmlNodeType.Whitespace when _inText:
                    Append(xml.Value);
                    break;
            }

            more = xml.Read();
        }
    }

    public override string ToString() => _blocks.ToString();

    private void Open(XmlReader xml, string name)
    {
        switch (name)
        {
            case "p":
                _paragraphs.Push(_paragraphs.Count < DeepestTextBox ? new Paragraph() : throw new UnreadableDocumentException("text boxes nested too deeply"));
                break;
            case "tbl":
                _tables++;
                break;
            case "t":
                _inText = true;
                break;
            case "tab" or "ptab" when _paragraphs.TryPeek(out Paragraph? paragraph) && paragraph.HasRuns:
                Append(" ");
                break;
            case "r" when _paragraphs.TryPeek(out Paragraph? paragraph):
                paragraph.HasRuns = true;
                break;
            case "br" or "cr":
                Append("\n");
                break;
            case "noBreakHyphen":
                Append("-");
                break;
            case "pStyle" or "outlineLvl" or "numId" or "ilvl" when _paragraphs.TryPeek(out Paragraph? paragraph):
                paragraph.Note(name, Value(xml));
                break;
        }
    }

    private void Close(string name)
    {
        switch (name)
        {
            case "t":
                _inText = false;
                break;
            case "p" when _paragraphs.TryPop(out Paragraph? paragraph):
                Add(paragraph);
                break;
            case "tc" when _tables == 1:
                _cells.Add(_cell.ToString().Trim());
                _cell.Clear();
                break;
            case "tr" when _tables == 1:
                if (_cells.Any(cell => cell.Length > 0))
                {
                    _blocks.Add(BlockKind.TableRow, string.Join(" | ", _cells));
                }

                _cells.Clear();
                break;
            case "tbl" when _tables > 0:
                _tables--;
                _blocks.EndGroup();
                break;
        }
    }

    private void Append(string text)
    {
        if (_paragraphs.TryPeek(out Paragraph? paragraph))
        {
            paragraph.Text.Append(text);
        }
    }

    private void Add(Paragraph paragraph)
    {
        string text = paragraph.Text.ToString().Trim();
        if (text.Length == 0)
        {
            return;
        }

        bool heading = paragraph.IsHeading(styles);
        if (heading)
        {
            Heading ??= text.ReplaceLineEndings(" ");
        }

        ListPlace? place = paragraph.List ?? styles.ListOf(paragraph.Style);
        string mark = place is { } item && item.List != "0" ? numbering.Next(item) : "";
        if (_tables > 0)
        {
            _cell.Append(mark).Append(text.Replace('\n', ' ')).Append(' ');
        }
        else if (mark.Length > 0 && !heading)
        {
            AddItem(place!.Value, mark + text);
        }
        else
        {
            _blocks.Add(BlockKind.Paragraph, mark + text);
        }
    }

    private void AddItem(ListPlace place, string text)
    {
        if (place.Level == 0 && place.List != _list)
        {
            _blocks.EndGroup();
            _list = place.List;
        }

        _blocks.Add(BlockKind.ListItem, new string(' ', 2 * place.Level) + text);
    }

    /// <summary>A paragraph while it is read; one may stand in a text box of another.</summary>
    private sealed class Paragraph
    {
        private string? _list;
        private int _level;
        private bool _outlined;

        public StringBuilder Text { get; } = new();

        public bool HasRuns { get; set; }

        public string? Style { get; private set; }

        public ListPlace? List => _list is null ? null : new ListPlace(_list, _level);

        public bool IsHeading(DocxStyles styles) => _outlined || styles.IsHeading(Style);

        public void Note(string property, string? value)
        {
            switch (property)
            {
                case "pStyle":
                    Style = value;
                    break;
                case "outlineLvl":
                    _outlined = DocxStyles.IsHeadingLevel(value);
                    break;
                case "numId":
                    _list = value;
                    break;
                default:
                    _level = DocxNumbering.Level(value);
                    break;
            }
        }
    }
}
