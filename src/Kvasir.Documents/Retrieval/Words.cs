using System.Text.RegularExpressions;

namespace Kvasir.Documents.Retrieval;

/// <summary>
/// What counts as a word: a run of letters, marks and digits; of scripts that are written without spaces each character, because most
/// Chinese words have two, which trigrams do not find. Case, accents and endings are the database's to fold (FTS5: unicode61, Porter).
/// </summary>
internal static partial class Words
{
    private static readonly HashSet<string> s_functionWords = [.. (
        "a about after all also am an and any are as at be been before being between but by can could did do does doing done during each "
        + "find for from get gets give given go goes had has have having he her here hers him his how i if in into is it its just know let "
        + "many may me might mine more most much must my need no nor not of on one or our ours out over own please say says shall she "
        + "should so some such take takes tell than that the their theirs them then there these they this those to too under up us was we "
        + "were what when where which while who whom whose why will with would you your yours "
        + "aber als am an auch auf aus bei bin bis das dass dem den der des die dir du ein eine einem einen einer er es für hat habe ich "
        + "ihr im in ist kann man mein mich mir mit muss nach nicht oder sich sie sind so um und uns von wann war warum was wem wen "
        + "wer wie wird wo wir zu zum zur").Split(' ')];

    /// <summary>The distinct words of a text, in order.</summary>
    public static IReadOnlyList<string> Of(string text) =>
        [.. Word().Matches(Spaced(text)).Select(word => word.Value.ToLowerInvariant()).Distinct(StringComparer.Ordinal)];

    /// <summary>
    /// The words of a question that tell what it is about: without those of up to three letters, where letters are not words by themselves.
    /// </summary>
    public static IEnumerable<string> Telling(string question) =>
        Of(question).Where(word => word.Length > 3 || word.Any(char.IsAsciiDigit) || Wide().IsMatch(word));

    /// <summary>
    /// The words that passages are found by where nothing else finds them: without those that hold sentences together and those that ask,
    /// which are rare enough in a few short texts to pass for the subject. All of them where there are no others.
    /// </summary>
    public static IReadOnlyList<string> OfSubject(string question) =>
        Subject(question) is { Length: > 0 } subject ? subject : Of(question);

    /// <summary>As <see cref="OfSubject"/>; none where there are no others.</summary>
    public static string[] Subject(string question) => [.. Of(question).Where(word => !s_functionWords.Contains(word))];

    /// <summary>
    /// Whether two words may be forms of one, in a language that changes words at their ends: they begin alike, for four letters or more,
    /// and at most three letters of each are left; or all but the last letter of three or more.
    /// </summary>
    public static bool AreForms(string word, string other)
    {
        int common = word.AsSpan().CommonPrefixLength(other), left = Math.Max(word.Length, other.Length) - common;
        return left == 0 || (((common >= 4 && left <= 3) || (common == 3 && left == 1)) && !word.Any(char.IsAsciiDigit));
    }

    /// <summary>The text with spaces around the characters that are words by themselves.</summary>
    public static string Spaced(string text) => Wide().Replace(text, " $0 ");

    /// <summary>
    /// What of a chunk is embedded and whose words count: its text, with the document's title before it where it does not name it.
    /// </summary>
    public static string IndexedText(string title, string chunk) =>
        title.Length == 0 || chunk.Contains(title, StringComparison.OrdinalIgnoreCase) ? chunk : $"{title}\n{chunk}";

    [GeneratedRegex(@"[\p{L}\p{M}\p{N}]+")]
    private static partial Regex Word();

    [GeneratedRegex(@"[\u3040-\u30FF\u3400-\u4DBF\u4E00-\u9FFF]|[\uD840-\uD888][\uDC00-\uDFFF]")]
    private static partial Regex Wide();
}
