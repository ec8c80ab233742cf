using System.Globalization;
using System.Text;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Strings as templates see them: sequences of code points, with Python's idea of white space and letter case.</summary>
internal static class PythonText
{
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    public static ReadOnlySpan<char> TrimEnd(ReadOnlySpan<char> text)
    {
        int end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
        {
            end--;
        }

        return text[..end];
    }

    public static ReadOnlySpan<char> TrimStart(ReadOnlySpan<char> text)
    {
        int start = 0;
        while (start < text.Length && IsSpace(text[start]))
        {
            start++;
        }

        return text[start..];
    }

    /// <summary>Strips white space, or any of <paramref name="characters"/>, from the wanted ends.</summary>
    public static string Strip(string text, string? characters, bool start, bool end)
    {
        if (characters is not null)
        {
            char[] set = characters.ToCharArray();
            text = set.Length == 0 ? text : start ? text.TrimStart(set) : text;
            return set.Length == 0 ? text : end ? text.TrimEnd(set) : text;
        }

        ReadOnlySpan<char> span = start ? TrimStart(text) : text;
        span = end ? TrimEnd(span) : span;
        return span.Length == text.Length ? text : span.ToString();
    }

    public static bool HasSurrogates(string text) => text.AsSpan().IndexOfAnyInRange('\ud800', '\udfff') >= 0;

    /// <summary>Number of code points.</summary>
    public static int Length(string text)
    {
        int length = text.Length;
        for (int i = 1; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text[i - 1], text[i]))
            {
                length--;
            }
        }

        return length;
    }

    /// <summary>The code points, each as a string of its own.</summary>
    public static string[] CodePoints(string text)
    {
        var points = new string[Length(text)];
        for (int i = 0, at = 0; i < points.Length; i++)
        {
            int length = at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;
            points[i] = text.Substring(at, length);
            at += length;
        }

        return points;
    }

    /// <summary>The code point of this number; there must be one.</summary>
    public static string CodePoint(string text, int index)
    {
        for (int at = 0; ; index--)
        {
            int length = at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;
            if (index == 0)
            {
                return text.Substring(at, length);
            }

            at += length;
        }
    }

    /// <summary>Orders by code point.</summary>
    public static int Compare(string left, string right)
    {
        int same = left.AsSpan().CommonPrefixLength(right);
        if (same == left.Length || same == right.Length)
        {
            return left.Length.CompareTo(right.Length);
        }

        bool leftHigh = char.IsSurrogate(left[same]);
        return leftHigh == char.IsSurrogate(right[same]) ? left[same].CompareTo(right[same]) : leftHigh ? 1 : -1;
    }

    public static string Upper(string text) => text.Replace("ß", "SS", StringComparison.Ordinal).ToUpperInvariant();

    public static string Lower(string text) => text.ToLowerInvariant();

    /// <summary>First letter large, the rest small.</summary>
    public static string Capitalize(string text)
    {
        int first = text.Length > 1 && char.IsSurrogatePair(text[0], text[1]) ? 2 : Math.Min(1, text.Length);
        return Upper(text[..first]) + Lower(text[first..]);
    }

    /// <summary>Letters that follow a non-letter large, others small (<c>str.title</c>).</summary>
    public static string Title(string text) => TitleWhere(text, static previous => !char.IsLetter(previous));

    /// <summary>Words between blanks, hyphens and brackets capitalised (the filter <c>title</c>).</summary>
    public static string TitleWords(string text) => TitleWhere(text, static previous => IsSpace(previous) || previous is '-' or '(' or '{' or '[' or '<');

    private static string TitleWhere(string text, Func<char, bool> startsWord)
    {
        var result = new StringBuilder(text.Length);
        char previous = ' ';
        foreach (char c in text)
        {
            result.Append(startsWord(previous) ? char.ToUpper(c, CultureInfo.InvariantCulture) : char.ToLower(c, CultureInfo.InvariantCulture));
            previous = c;
        }

        return result.ToString();
    }
}
