using System.Numerics;
using UglyToad.PdfPig.Core;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>
/// Puts the characters of a page together in the order they are drawn in: gaps along the baseline become spaces, jumps across it new lines;
/// larger distances between lines are borders of paragraphs, and within a paragraph lines that fill it are joined.
/// </summary>
internal sealed class PdfPageText
{
    /// <summary>In units of the font size: a smaller gap is kerning.</summary>
    private const float SpaceGap = 0.13f;

    /// <summary>A larger gap may be one between columns.</summary>
    private const float PieceGap = 0.5f;

    /// <summary>A smaller step across the baseline is a sub- or superscript.</summary>
    private const float LineStep = 0.5f;

    /// <summary>A distance of this much more than the page's usual one is a paragraph's.</summary>
    private const float ParagraphStep = 1.35f;

    /// <summary>In units of the font size: lines of narrower paragraphs are not joined, because they are rarely running text.</summary>
    private const float LeastColumn = 12;

    /// <summary>The size that values of form fields are taken to have.</summary>
    private const float FieldSize = 10;

    private readonly List<PdfLine> _lines = [];
    private readonly StringBuilder _text = new();
    private readonly Dictionary<(string Text, int X, int Y), Vector2> _drawn = [];
    private Vector2 _start, _end, _inkEnd, _along;
    private float _size;

    /// <summary>Characters whose text the font did not tell.</summary>
    public int Unknown { get; private set; }

    /// <summary>Characters whose text it told.</summary>
    public int Known { get; private set; }

    /// <summary>Takes up the next character.</summary>
    /// <param name="text">Its text, null where it is not known.</param>
    /// <param name="from">Where it begins on the page, on its baseline.</param>
    /// <param name="to">Where the next one begins.</param>
    /// <param name="along">The direction of its baseline, of length 1.</param>
    /// <param name="size">The font size on the page.</param>
    public void Add(string? text, Vector2 from, Vector2 to, Vector2 along, float size)
    {
        if (text is null)
        {
            Unknown++;
            return;
        }

        Known++;
        // In narrow type the second of two equal letters stands near the first one, right behind it.
        bool follows = _text.Length > 0 && Vector2.Distance(from, _end) < 0.05f * size;
        if (IsDrawnAgain(text, from, size) && !follows) return;
        if (_text.Length > 0)
        {
            Vector2 gap = from - _end;
            float ahead = Vector2.Dot(gap, _along), across = _along.X * gap.Y - _along.Y * gap.X, unit = Math.Max(size, _size);
            if (Math.Abs(across) > LineStep * unit || ahead < -unit || Vector2.Dot(along, _along) < 0.9f) EndLine();
            else if (ahead > PieceGap * unit) EndLine();
            else if (ahead > SpaceGap * unit && _text[^1] != ' ' && text is not (" " or "\u00A0")) _text.Append(' ');
        }

        if (_text.Length == 0) (_start, _along, _size) = (from, along, size);
        foreach (char c in text) AppendPlain(c);
        _end = to;
        if (!string.IsNullOrWhiteSpace(text)) _inkEnd = to;
        _size = Math.Max(_size, size);
    }

    /// <summary>
    /// Takes up the value of a form field as a line in the middle of its frame, that is, on the baseline of the label beside it.
    /// </summary>
    public void AddField(string value, PdfRectangle frame)
    {
        EndLine();
        var start = new Vector2((float)frame.Left, (float)frame.Centroid.Y - (FieldSize / 3));
        _lines.Add(
            new PdfLine(_lines.Count, WhiteSpace.Collapse(value), start, Vector2.UnitX, (float)frame.Width, FieldSize) { IsCell = true });
    }

    /// <summary>The page's text.</summary>
    public override string ToString()
    {
        EndLine();
        ILookup<bool, PdfLine> turned = _lines.ToLookup(line => line.Along.X < 0.99f);
        List<PdfLine> lines = [.. PdfReadingOrder.Of([.. turned[false]]), .. turned[true]];
        float usual = UsualDistance(lines);
        var text = new StringBuilder();
        for (int first = 0; first < lines.Count;)
        {
            int next = first + 1;
            while (next < lines.Count && !IsBorder(lines[next - 1], lines[next], usual)) next++;
            text.Append(text.Length > 0 ? "\n\n" : "");
            AppendParagraph(text, CollectionsMarshal.AsSpan(lines)[first..next]);
            first = next;
        }

        return text.ToString();
    }

    private static bool IsBorder(PdfLine before, PdfLine line, float usual) =>
        before.DistanceTo(line) is var distance && (distance <= 0 || distance > ParagraphStep * usual || !before.IsOfSize(line));

    private static void AppendParagraph(StringBuilder text, ReadOnlySpan<PdfLine> lines)
    {
        float widest = 0;
        foreach (PdfLine line in lines) widest = Math.Max(widest, line.Width);
        int full = 0;
        for (int i = 1; i < lines.Length; i++) full += IsFull(lines[i - 1], lines[i], widest) ? 1 : 0;
        bool running = 2 * full >= lines.Length - 1;
        text.Append(lines[0].Text);
        for (int i = 1; i < lines.Length; i++)
        {
            (PdfLine before, PdfLine line) = (lines[i - 1], lines[i]);
            if (IsHyphenated(before, line)) text.Length--;
            else text.Append(running && char.IsLetter(line.Text[0]) && IsFull(before, line, widest) ? ' ' : '\n');

            text.Append(line.Text);
        }
    }

    /// <summary>Whether the next line's first word would not have fitted into a line.</summary>
    private static bool IsFull(PdfLine line, PdfLine next, float widest)
    {
        int word = next.Text.IndexOf(' ', StringComparison.Ordinal);
        float wordWidth = next.Width * (word < 0 ? next.Text.Length : word + 1) / next.Text.Length;
        return !line.IsCell && !next.IsCell && widest >= LeastColumn * line.Size
            && (line.Width + wordWidth > widest || IsHyphenated(line, next));
    }

    private static bool IsHyphenated(PdfLine line, PdfLine next) =>
        line.Text is [.., var last, '-'] && char.IsLetter(last) && char.IsLower(next.Text[0]);

    /// <summary>The lower quartile of the distances from a line down to the next of the same size.</summary>
    private static float UsualDistance(List<PdfLine> lines)
    {
        float[] distances = [.. lines.Zip(lines.Skip(1)).Where(pair => pair.First.IsOfSize(pair.Second))
            .Select(pair => pair.First.DistanceTo(pair.Second)).Where(distance => distance > 0).Order()];
        return distances.Length > 0 ? distances[distances.Length / 4] : 0;
    }

    private void EndLine()
    {
        string text = _text.ToString().Trim();
        float width = Math.Max(0, Vector2.Dot(_inkEnd - _start, _along));
        if (text.Length > 0) _lines.Add(new PdfLine(_lines.Count, text, _start, _along, width, _size));
        _text.Clear();
    }

    /// <summary>Whether the same character stands at nearly the same place already: bold type is also made by drawing twice.</summary>
    private bool IsDrawnAgain(string text, Vector2 at, float size)
    {
        float cell = Math.Max(0.15f * size, 0.01f);
        (int x, int y) = ((int)MathF.Floor(at.X / cell), (int)MathF.Floor(at.Y / cell));
        for (int i = 0; i < 9; i++)
        {
            if (_drawn.TryGetValue((text, x + i % 3 - 1, y + i / 3 - 1), out Vector2 before)
                && Math.Abs(before.X - at.X) < cell && Math.Abs(before.Y - at.Y) < cell)
            {
                return true;
            }
        }

        _drawn[(text, x, y)] = at;
        return false;
    }

    /// <summary>Ligatures as letters, every space as one kind, nothing that is not shown.</summary>
    private void AppendPlain(char c)
    {
        switch (c)
        {
            case >= '\uFB00' and <= '\uFB06':
                _text.Append((c - '\uFB00') switch { 0 => "ff", 1 => "fi", 2 => "fl", 3 => "ffi", 4 => "ffl", _ => "st" });
                break;
            case '.' or ':' or '·' or '_' when _text.Length > 2 && _text[^1] == c && _text[^2] == c && _text[^3] == c:
                // The leaders of a table of contents.
                break;
            case '\u00AD':
                _text.Append('-');
                break;
            case var _ when char.IsWhiteSpace(c):
                _text.Append(_text.Length > 0 && _text[^1] != ' ' ? " " : "");
                break;
            case var _ when !char.IsControl(c) && c is not ('\uFEFF' or '\uFFFE' or '\u200B'):
                _text.Append(c);
                break;
        }
    }
}
