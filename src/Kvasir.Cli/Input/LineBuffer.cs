namespace Kvasir.Cli.Input;

/// <summary>A text that is being typed, and the cursor: an index between what a reader sees as characters.</summary>
internal sealed class LineBuffer
{
    public string Text { get; private set; } = "";

    public int Cursor { get; set; }

    public int LineStart => Text.LastIndexOf('\n', Math.Max(0, Cursor - 1)) is var at && at < Cursor ? at + 1 : 0;

    public int LineEnd => Text.IndexOf('\n', Cursor) is >= 0 and int at ? at : Text.Length;

    public int Next => Cursor < Text.Length ? Cursor + StringInfo.GetNextTextElementLength(Text, Cursor) : Cursor;

    public int Previous => StringInfo.ParseCombiningCharacters(Text[..Cursor]).LastOrDefault();

    public int NextWord
    {
        get
        {
            int at = Cursor;
            while (at < Text.Length && char.IsWhiteSpace(Text[at])) at++;
            while (at < Text.Length && !char.IsWhiteSpace(Text[at])) at++;
            return at;
        }
    }

    public int PreviousWord
    {
        get
        {
            int at = Cursor;
            while (at > 0 && char.IsWhiteSpace(Text[at - 1])) at--;
            while (at > 0 && !char.IsWhiteSpace(Text[at - 1])) at--;
            return at;
        }
    }

    public void Insert(string text) => Replace(Cursor, Cursor, text);

    /// <summary>Puts a text in place of a part; the cursor stands behind it.</summary>
    public void Replace(int start, int end, string text = "")
    {
        Text = string.Concat(Text.AsSpan(0, start), text, Text.AsSpan(end));
        Cursor = start + text.Length;
    }

    /// <summary>To the line above or below; false where there is none.</summary>
    public bool MoveLine(bool up)
    {
        int edge = up ? LineStart - 1 : LineEnd + 1;
        if (edge < 0 || edge > Text.Length) return false;
        Cursor = edge;
        return true;
    }
}
