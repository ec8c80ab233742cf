namespace Kvasir.Tokenization.Jinja;

/// <summary>Strings as templates see them: sequences of code points, with Python's idea of white space.</summary>
internal static class PythonText
{
    private static readonly string[] s_ascii = [.. Enumerable.Range(0, 128).Select(code => ((char)code).ToString())];

    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    public static ReadOnlySpan<char> TrimEnd(ReadOnlySpan<char> text)
    {
        int end = text.Length;
        while (end > 0 && IsSpace(text[end - 1])) end--;
        return text[..end];
    }

    public static ReadOnlySpan<char> TrimStart(ReadOnlySpan<char> text)
    {
        int start = 0;
        while (start < text.Length && IsSpace(text[start])) start++;
        return text[start..];
    }

    /// <summary>Strips white space, or any of <paramref name="characters"/>, from the wanted ends.</summary>
    public static string Strip(string text, string? characters, bool start, bool end)
    {
        int from = 0, to = text.Length;
        HashSet<int>? set = characters is null ? null : [.. characters.EnumerateRunes().Select(rune => rune.Value)];
        int length;
        while (start && from < to && Rune.DecodeFromUtf16(text.AsSpan(from..to), out Rune rune, out length) >= 0 && Goes(rune))
            from += length;
        while (end && to > from && Rune.DecodeLastFromUtf16(text.AsSpan(from..to), out Rune rune, out length) >= 0 && Goes(rune))
            to -= length;
        return text[from..to];

        bool Goes(Rune rune) => set?.Contains(rune.Value) ?? (rune.IsBmp && IsSpace((char)rune.Value));
    }

    public static bool HasSurrogates(string text) => text.AsSpan().IndexOfAnyInRange('\ud800', '\udfff') >= 0;

    /// <summary>Number of code points.</summary>
    public static int Length(string text)
    {
        int length = text.Length;
        for (int i = 1; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text[i - 1], text[i])) length--;
        }

        return length;
    }

    /// <summary>The code points, each as a string of its own.</summary>
    public static string[] CodePoints(string text)
    {
        var points = new string[Length(text)];
        for (int i = 0, at = 0; i < points.Length; at += points[i++].Length)
            points[i] = text[at] < s_ascii.Length ? s_ascii[text[at]] : text.Substring(at, PointLength(text, at));

        return points;
    }

    /// <summary>The code point of this number, counted from the end where it is negative; null where there is none.</summary>
    public static string? CodePoint(string text, long index)
    {
        int length = Length(text);
        index = index < 0 ? index + length : index;
        if (index < 0 || index >= length) return null;
        int at = Offset(text, (int)index);
        return text.Substring(at, PointLength(text, at));
    }

    /// <summary>Where a slice of code points lies in the UTF-16 text.</summary>
    public static (int From, int To) Range(string text, object? start, object? stop)
    {
        (long from, long to, _) = Lookup.Bounds(Length(text), start, stop);
        int first = Offset(text, (int)from);
        return (first, Math.Max(first, Offset(text, (int)to)));
    }

    private static int Offset(string text, int index)
    {
        if (!HasSurrogates(text)) return index;
        int at = 0;
        for (; index > 0; index--) at += PointLength(text, at);
        return at;
    }

    private static int PointLength(string text, int at) => at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;

    /// <summary>Orders by code point.</summary>
    public static int Compare(string left, string right)
    {
        int same = left.AsSpan().CommonPrefixLength(right);
        if (same == left.Length || same == right.Length) return left.Length.CompareTo(right.Length);
        bool leftHigh = char.IsSurrogate(left[same]);
        return leftHigh == char.IsSurrogate(right[same]) ? left[same].CompareTo(right[same]) : leftHigh ? 1 : -1;
    }
}
