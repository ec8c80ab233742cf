using Spectre.Console;

namespace Kvasir.Cli.Output;

/// <summary>Text as it may go to a terminal: nothing moves the cursor, changes colours or turns the order of reading.</summary>
internal static class TerminalText
{
    private const char Replacement = '\uFFFD';

    /// <summary>On one line: line breaks and tabs become spaces, whatever else controls a terminal U+FFFD.</summary>
    public static string Line(string text) => Clean(text.ReplaceLineEndings(" ").Replace('\t', ' '));

    /// <summary>As <see cref="Line"/>, but line breaks and tabs stay.</summary>
    public static string Block(string text) => Clean(text.ReplaceLineEndings("\n"));

    /// <summary>
    /// On one line of at most so many cells, with an ellipsis for the rest. Wide characters take two cells, combining ones none.
    /// </summary>
    public static string Cut(string text, int cells)
    {
        string line = Line(text).TrimEnd();
        if (line.GetCellWidth() <= cells) return line;
        var cut = new StringBuilder();
        int used = 0;
        foreach (string element in Elements(line))
        {
            used += element.GetCellWidth();
            if (used >= cells) break;
            cut.Append(element);
        }

        return cells > 0 ? cut.Append('…').ToString() : "";
    }

    /// <summary>What a reader sees as characters, in their order.</summary>
    public static IEnumerable<string> Elements(string text)
    {
        for (TextElementEnumerator elements = StringInfo.GetTextElementEnumerator(text); elements.MoveNext();)
            yield return elements.GetTextElement();
    }

    private static string Clean(string text) => text.Any(Controls) ? string.Concat(text.Select(c => Controls(c) ? Replacement : c)) : text;

    /// <summary>Control characters, and those that embed or override the direction of text.</summary>
    private static bool Controls(char c) =>
        (char.IsControl(c) && c is not ('\n' or '\t')) || c is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
