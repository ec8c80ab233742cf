using System.Xml;

namespace Kvasir.Documents.Reading.Docx;

/// <summary>
/// Turns the elements of a document part into blocks of text. Deleted and moved-away text, field codes and fallbacks for old programs are
/// left out.
/// </summary>
internal sealed class DocxBody(DocxStyles styles, DocxNumbering numbering)
{
    private const int MostColumns = 100;
    private readonly Stack<Paragraph> _paragraphs = new();
    private readonly Dictionary<int, string> _mergedCells = [];
    private readonly List<Cell> _row = [];
    private readonly StringBuilder _cell = new();
    private BlockText _blocks = new();
    private TableText _table = new();
    private Cell _cellForm = new("");
    private bool _continuesAbove, _rowIsHeading, _rowIsDeleted;
    private int _tables;
    private string? _list;
    private string _mark = "";
    private bool _inText, _inRowProperties, _isInBox, _isChecked;

    /// <summary>The first heading.</summary>
    public string? Heading { get; private set; }

    /// <summary>
    /// The relationships of the headers and footers that the document has, and on which pages they stand: first, even, or default.
    /// </summary>
    public HashSet<(bool IsHeader, string Id, string Pages)> Margins { get; } = [];

    /// <summary>Whether first pages have headers and footers of their own.</summary>
    public bool HasFirstPages { get; private set; }

    /// <summary>Whether a property that stands there is on: its value says so, or is missing.</summary>
    public static bool IsOn(string? value) => value is not ("0" or "false" or "off");

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

    /// <summary>The text of a part: the document, its footnotes, a header, comments.</summary>
    public string Read(XmlReader xml)
    {
        _blocks = new BlockText();
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
                    if (empty) Close(name);
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

        return _blocks.ToString();
    }

    private void Open(XmlReader xml, string name)
    {
        switch (name)
        {
            case "p":
                _paragraphs.Push(new Paragraph());
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
                paragraph.IsHidden = styles.IsHidden(paragraph.Style);
                break;
            case "rStyle" when _paragraphs.TryPeek(out Paragraph? paragraph):
                paragraph.IsHidden |= styles.IsHidden(Value(xml));
                break;
            case "vanish" when _paragraphs.TryPeek(out Paragraph? paragraph) && paragraph.HasRuns:
                paragraph.IsHidden = IsOn(Value(xml));
                break;
            case "headerReference" or "footerReference":
                Margins.Add((name == "headerReference", Attribute(xml, "id") ?? "", Attribute(xml, "type") ?? "default"));
                break;
            case "titlePg":
                HasFirstPages |= IsOn(Value(xml));
                break;
            case "fldChar" when _paragraphs.TryPeek(out Paragraph? paragraph):
                paragraph.NoteField(Attribute(xml, "fldCharType"));
                break;
            case "comment":
                _mark = $"Comment by {Attribute(xml, "author") ?? "a reader"}: ";
                break;
            case "gridBefore" or "gridSpan" or "vMerge" or "tblHeader" or "trPr" when _tables == 1:
                OpenCell(name, Value(xml));
                break;
            case "del" when _inRowProperties:
                _rowIsDeleted = _tables == 1;
                break;
            case "br" or "cr":
                Append("\n");
                break;
            case "noBreakHyphen":
                Append("-");
                break;
            case "sym":
                Append(DocxSymbols.Text(Attribute(xml, "font"), Attribute(xml, "char")));
                break;
            case "checkBox":
                _isInBox = true;
                break;
            case "default" or "checked" when _isInBox:
                _isChecked = IsOn(Value(xml));
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
            case "checkBox":
                if (_paragraphs.TryPeek(out Paragraph? form) && !form.IsHidden) form.Text.Append(DocxSymbols.Box(_isChecked));
                _isInBox = _isChecked = false;
                break;
            case "trPr":
                _inRowProperties = false;
                break;
            case "tc" when _tables == 1:
                CloseCell();
                break;
            case "tr" when _tables == 1:
                if (!_rowIsDeleted) _table.Add([.. _row.Select(cell => cell with { IsHeading = _rowIsHeading })]);
                _row.Clear();
                _rowIsHeading = _rowIsDeleted = false;
                break;
            case "tbl" when _tables > 0:
                _tables--;
                if (_tables == 0 && _table.ToString() is { Length: > 0 } text) _blocks.Add(BlockKind.Paragraph, text);
                _table = _tables == 0 ? new TableText() : _table;
                break;
        }
    }

    private void OpenCell(string property, string? value)
    {
        switch (property)
        {
            case "trPr":
                _inRowProperties = true;
                break;
            case "tblHeader":
                _rowIsHeading = IsOn(value);
                break;
            case "vMerge":
                _continuesAbove = value != "restart";
                break;
            case "gridBefore":
                _row.AddRange(Enumerable.Repeat(new Cell(""), Columns(value)));
                break;
            default:
                _cellForm = _cellForm with { Columns = Columns(value) };
                break;
        }

        static int Columns(string? value) => Math.Clamp(DocxNumbering.Number(value), 1, MostColumns);
    }

    /// <summary>A cell that is merged with the one above it has its text.</summary>
    private void CloseCell()
    {
        int column = _row.Sum(cell => cell.Columns);
        string text = _continuesAbove && _mergedCells.TryGetValue(column, out string? above) ? above : _cell.ToString().Trim();
        _mergedCells[column] = text;
        _row.Add(_cellForm with { Text = text });
        _cell.Clear();
        (_cellForm, _continuesAbove) = (new Cell(""), false);
    }

    private void Append(string text)
    {
        if (_paragraphs.TryPeek(out Paragraph? paragraph) && !paragraph.IsHidden && !paragraph.IsFieldCode)
            paragraph.Text.Append(text);
    }

    private void Add(Paragraph paragraph)
    {
        string text = paragraph.Text.ToString().Trim();
        if (text.Length == 0) return;
        bool heading = paragraph.IsHeading(styles);
        if (heading) Heading ??= text.ReplaceLineEndings(" ");
        ListPlace? place = paragraph.List ?? styles.ListOf(paragraph.Style);
        string mark = place is { } item && item.List != "0" ? numbering.Next(item) : "";
        (text, _mark) = (_mark + text, "");
        if (_tables > 0) _cell.Append(mark).Append(text.Replace('\n', ' ')).Append(' ');
        else if (mark.Length > 0 && !heading) AddItem(place!.Value, mark + text);
        else _blocks.Add(BlockKind.Paragraph, mark + text);
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
        /// <summary>The fields around, and whether what is read belongs to their codes; else to what they show.</summary>
        private readonly Stack<bool> _fields = new();
        private string? _list;
        private int _level;
        private bool _outlined;

        public StringBuilder Text { get; } = new();

        public bool HasRuns { get; set; }

        /// <summary>Whether the run at hand is hidden.</summary>
        public bool IsHidden { get; set; }

        /// <summary>Whether the run at hand is part of what a field computes from.</summary>
        public bool IsFieldCode => _fields.Contains(true);

        public string? Style { get; private set; }

        public ListPlace? List => _list is null ? null : new ListPlace(_list, _level);

        public bool IsHeading(DocxStyles styles) => _outlined || styles.IsHeading(Style);

        /// <summary>A mark in a field; a field that began in a paragraph before only has what it shows in this one.</summary>
        public void NoteField(string? mark)
        {
            if (mark == "begin") _fields.Push(true);
            else if (_fields.TryPop(out _) && mark == "separate") _fields.Push(false);
        }

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
