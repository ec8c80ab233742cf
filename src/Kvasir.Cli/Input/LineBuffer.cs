using System.Globalization;

namespace Kvasir.Cli;

/// <summary>A text that is being typed, and the cursor in it. The cursor moves by what a reader sees as characters and never stands inside one.</summary>
internal sealed class LineBuffer
{
    public string Text { get; private set; } = "";

    /// <summary>Where the next character goes: an index into <see cref="Text"/>.</summary>
    public int Cursor { get; private set; }

    private int LineStart => Text.LastIndexOf('\n', Math.Max(0, Cursor - 1)) is var at && at < Cursor ? at + 1 : 0;

    private int LineEnd => Text.IndexOf('\n', Cursor) is >= 0 and int at ? at : Text.Length;

    public void Insert(string text) => Replace(Cursor, Cursor, text);

    /// <summary>Takes another text; the cursor stands at its end.</summary>
    public void Set(string text) => Replace(0, Text.Length, text);

    public void Left() => Cursor = Previous();

    public void Right() => Cursor = Next();

    public void WordLeft() => Cursor = PreviousWord();

    public void WordRight()
    {
        while (Cursor < Text.Length && char.IsWhiteSpace(Text[Cursor])) Cursor++;
        while (Cursor < Text.Length && !char.IsWhiteSpace(Text[Cursor])) Cursor = Next();
    }

    public void Home() => Cursor = LineStart;

    public void End() => Cursor = LineEnd;

    public void Backspace() => Replace(Previous(), Cursor, "");

    public void Delete() => Replace(Cursor, Next(), "");

    public void DeleteWord() => Replace(PreviousWord(), Cursor, "");

    public void DeleteToStart() => Replace(LineStart, Cursor, "");

    public void DeleteToEnd() => Replace(Cursor, LineEnd, "");

    /// <summary>To the line above or below; false where there is none.</summary>
    public bool MoveLine(bool up)
    {
        int edge = up ? LineStart - 1 : LineEnd + 1;
        if (edge < 0 || edge > Text.Length) return false;
        Cursor = edge;
        return true;
    }

    private int Next() => Cursor < Text.Length ? Cursor + StringInfo.GetNextTextElementLength(Text, Cursor) : Cursor;

    private int Previous() => StringInfo.ParseCombiningCharacters(Text[..Cursor]).LastOrDefault();

    private int PreviousWord()
    {
        ReadOnlySpan<char> before = Text.AsSpan(0, Cursor).TrimEnd();
        while (before.Length > 0 && !char.IsWhiteSpace(before[^1])) before = before[..^1];
        return before.Length;
    }

    private void Replace(int start, int end, string text)
    {
        Text = string.Concat(Text.AsSpan(0, start), text, Text.AsSpan(end));
        Cursor = start + text.Length;
    }
}
