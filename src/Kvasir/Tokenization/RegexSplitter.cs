using System.Text.RegularExpressions;

namespace Kvasir.Tokenization;

/// <summary>
/// Cuts at the matches of a regular expression, for patterns without a scanner of their own. The runtime's expressions see UTF-16 units,
/// so each character beyond the basic plane is shown to them as one rare character of the same category.
/// </summary>
/// <exception cref="InvalidInputException">The runtime cannot read the pattern.</exception>
internal sealed class RegexSplitter(string pattern, SplitBehavior behavior = SplitBehavior.Isolated, bool inverts = false) : PreTokenizer
{
    /// <summary>For one match; for all that are made of one text too, beside what a slow machine may need for its characters.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(3);

    private readonly Regex _regex = Parse(pattern);

    /// <summary>The expression of a pattern from a model file.</summary>
    /// <exception cref="InvalidInputException">The runtime cannot read it.</exception>
    public static Regex Parse(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.CultureInvariant, s_longest);
        }
        catch (ArgumentException problem)
        {
            throw new InvalidInputException($"tokenizer pattern '{pattern}' is not supported: {problem.Message}", problem);
        }
    }

    /// <summary>The error of a pattern that runs too long.</summary>
    public static InvalidInputException TooSlow(Regex regex, RegexMatchTimeoutException? problem = null) =>
        new($"tokenizer pattern '{regex}' takes too long on this text; the model needs a simpler one", problem);

    /// <inheritdoc/>
    public override void Split(ReadOnlySpan<char> text, IPieceSink sink)
    {
        int[]? starts = null;
        ReadOnlySpan<char> shown = text.IndexOfAnyInRange('\uD800', '\uDFFF') < 0 ? text : StandIns(text, out starts);
        var pieces = new PieceJoiner(text, behavior, sink);
        int gap = 0;
        long latest = Environment.TickCount64 + (long)s_longest.TotalMilliseconds + (text.Length / 100);
        try
        {
            foreach (ValueMatch match in _regex.EnumerateMatches(shown))
            {
                int start = starts is null ? match.Index : starts[match.Index];
                int end = starts is null ? match.Index + match.Length : starts[match.Index + match.Length];
                pieces.Add(gap, start, inverts);
                pieces.Add(start, end, !inverts);
                gap = end;
                if (Environment.TickCount64 > latest && gap < text.Length) throw TooSlow(_regex);
            }
        }
        catch (RegexMatchTimeoutException problem)
        {
            throw TooSlow(_regex, problem);
        }
        pieces.Add(gap, text.Length, inverts);
        pieces.End();
    }

    /// <summary>One unit per character; <paramref name="starts"/> says where each of them begins in the text.</summary>
    internal static char[] StandIns(ReadOnlySpan<char> text, out int[] starts)
    {
        var shown = new List<char>(text.Length);
        var offsets = new List<int>(text.Length + 1);
        for (int at = 0; at < text.Length;)
        {
            offsets.Add(at);
            CharClass kind = CharClasses.At(text, at, out int length);
            shown.Add(length == 1 ? text[at] : StandIn(kind));
            at += length;
        }
        offsets.Add(text.Length);
        starts = [.. offsets];
        return [.. shown];
    }

    private static char StandIn(CharClass kind) => kind switch
    {
        CharClass.Letter | CharClass.Upper => '\uA7A0',
        CharClass.Letter | CharClass.Lower => '\uA7A1',
        CharClass.Letter => '\u07CA',
        CharClass.Number => '\u07C0',
        CharClass.Mark => '\u07EB',
        CharClass.Punctuation => '\u07F7',
        CharClass.Symbol => '\u07F6',
        _ => '\uE000',
    };
}
