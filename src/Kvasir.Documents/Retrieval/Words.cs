using System.Text.RegularExpressions;

namespace Kvasir.Documents.Retrieval;

/// <summary>
/// What counts as a word: a run of letters, marks and digits; of scripts that are written without spaces each character, because most
/// Chinese words have two, which trigrams do not find. Case, accents and endings are the database's to fold (FTS5: unicode61, Porter).
/// </summary>
internal static partial class Words
{
    /// <summary>The distinct words of a text, in order.</summary>
    public static IReadOnlyList<string> Of(string text) =>
        [.. Word().Matches(Spaced(text)).Select(word => word.Value.ToLowerInvariant()).Distinct(StringComparer.Ordinal)];

    /// <summary>
    /// The words of a question that tell what it is about: without those of up to three letters, where letters are not words by themselves.
    /// </summary>
    public static IEnumerable<string> Telling(string question) =>
        Of(question).Where(word => word.Length > 3 || word.Any(char.IsAsciiDigit) || Wide().IsMatch(word));

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
