using System.Buffers;

namespace Kvasir.Tokenization;

/// <summary>Finds tokens that are recognised as whole texts (special, user-defined): the leftmost, of several there the longest.</summary>
internal sealed class NamedTokens
{
    private readonly SearchValues<string> _names;
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<char, List<string>> _byFirst = [];
    private readonly IReadOnlyDictionary<int, TokenBorders> _borders;
    private readonly bool _spacesMarked;

    /// <summary>A finder of these texts.</summary>
    /// <param name="tokens">Texts and ids.</param>
    /// <param name="borders">What some of them take in around them.</param>
    /// <param name="spacesMarked">A space in the text stands for U+2581, which is no white space.</param>
    public NamedTokens(Dictionary<string, int> tokens, IReadOnlyDictionary<int, TokenBorders> borders, bool spacesMarked = false)
    {
        tokens.Remove("");
        (_ids, _borders, _spacesMarked) = (tokens, borders, spacesMarked);
        string[] texts = [.. tokens.Keys];
        _names = SearchValues.Create(texts, StringComparison.Ordinal);
        Array.Sort(texts, (one, other) => other.Length - one.Length);
        foreach (string text in texts)
        {
            if (!_byFirst.TryGetValue(text[0], out List<string>? same)) _byFirst.Add(text[0], same = []);
            same.Add(text);
        }
    }

    /// <summary>The next one, with the white space that belongs to it.</summary>
    /// <param name="text">Where to look.</param>
    /// <param name="next">Where to begin; then the end of what was found, without white space: another may begin in that.</param>
    /// <param name="taken">Where what belongs to the one before ends.</param>
    /// <param name="start">Where it begins, with its white space.</param>
    /// <param name="end">Where it ends, with its white space.</param>
    /// <param name="id">Its id.</param>
    public bool TryFind(ReadOnlySpan<char> text, ref int next, int taken, out int start, out int end, out int id)
    {
        for (int at = next; at < text.Length; at++)
        {
            int found = text[at..].IndexOfAny(_names);
            if (found < 0) break;
            at += found;
            string name = LongestAt(text, at);
            int token = _ids[name];
            if (Fits(text, at, name.Length, token))
            {
                next = at + name.Length;
                (start, end) = Extend(text, taken, at, next, _borders.GetValueOrDefault(token));
                id = token;
                return true;
            }
            at += name.Length - 1; // nothing shorter is looked for in it
        }
        start = end = text.Length;
        id = -1;
        return false;
    }

    private string LongestAt(ReadOnlySpan<char> text, int at)
    {
        foreach (string name in _byFirst[text[at]])
        {
            if (text[at..].StartsWith(name, StringComparison.Ordinal)) return name;
        }
        throw new InvalidOperationException("no token begins where one was found");
    }

    private bool Fits(ReadOnlySpan<char> text, int at, int length, int token) =>
        (_borders.GetValueOrDefault(token) & TokenBorders.SingleWord) == 0
            || !(EndsWithWord(text[..at]) || StartsWithWord(text[(at + length)..]));

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        !text.IsEmpty && Rune.DecodeFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool EndsWithWord(ReadOnlySpan<char> text) =>
        !text.IsEmpty && Rune.DecodeLastFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && IsWord(rune);

    /// <summary>Regular expressions' <c>\w</c>.</summary>
    private static bool IsWord(Rune rune) => rune.Value is 0x200C or 0x200D
        || (CharClasses.Of(rune) & (CharClass.Letter | CharClass.Mark)) != 0 || Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation;

    private (int Start, int End) Extend(ReadOnlySpan<char> text, int from, int start, int end, TokenBorders borders)
    {
        while ((borders & TokenBorders.TakesSpaceBefore) != 0 && start > from && IsSpace(text[start - 1])) start--;
        while ((borders & TokenBorders.TakesSpaceAfter) != 0 && end < text.Length && IsSpace(text[end])) end++;
        return (start, end);
    }

    private bool IsSpace(char unit) => char.IsWhiteSpace(unit) && !(_spacesMarked && unit == ' ');
}
