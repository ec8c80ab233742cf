namespace Kvasir.Documents.Reading.Html;

/// <summary>Text with white space collapsed and the wanted number of line breaks between blocks.</summary>
/// <param name="inline">Whether everything stands in one line, as in a cell of a table.</param>
internal sealed class PageText(bool inline)
{
    private readonly StringBuilder _text = new();
    private int _breaks;
    private bool _space;
    private bool _afterMark;

    public int Length => _text.Length;

    /// <summary>Above 0 inside preformatted elements, where white space stands as it is.</summary>
    public int Preformatted { get; set; }

    /// <summary>Levels of lists around: their lines are indented, and no blank lines stand between them.</summary>
    public int Indent { get; set; }

    /// <summary>
    /// Asks for line breaks before what comes next; a block at the beginning of a list item stands behind the item's mark.
    /// </summary>
    public void Break(int lines)
    {
        if (inline) _space = true;
        else if (!_afterMark) _breaks = Math.Max(_breaks, Indent > 0 ? 1 : lines);
    }

    public void Append(string text)
    {
        if (Preformatted > 0 && !inline)
        {
            Flush(Indent);
            _text.Append(text);
            return;
        }

        foreach (char c in text)
        {
            if (char.IsWhiteSpace(c)) _space = true;
            else
            {
                Flush(Indent);
                _text.Append(c);
            }
        }
    }

    /// <summary>Begins a list item.</summary>
    public void AppendMark(string mark)
    {
        Flush(Indent - 1);
        _text.Append(mark).Append(' ');
        _afterMark = true;
    }

    /// <summary>Adds lines as they are.</summary>
    public void AppendLines(string text)
    {
        Flush(Indent);
        _text.Append(text);
    }

    /// <summary>The text from a place on, in one line.</summary>
    public string LineFrom(int start) => start > _text.Length ? "" : WhiteSpace.Collapse(_text.ToString(start, _text.Length - start));

    public override string ToString() => _text.ToString().Trim('\n', ' ');

    private void Flush(int indent)
    {
        if (_breaks > 0 && _text.Length > 0)
        {
            while (_text.Length > 0 && _text[^1] is ' ' or '\n') _text.Length--;
            _text.Append('\n', _breaks).Append(' ', 2 * Math.Max(0, indent));
        }
        else if (_space && _text.Length > 0 && !char.IsWhiteSpace(_text[^1])) _text.Append(' ');

        _breaks = 0;
        _space = _afterMark = false;
    }
}
