using Kvasir.Documents.Chunking;
using Kvasir.Documents.Retrieval;

namespace Kvasir.Documents.Asking;

/// <summary>
/// The sentences of passages that are said again right before a question: those that share most words with it, rare ones weighing more. A
/// small model finds the passage and then reads the wrong line of it; what stands next to the question it does not miss.
/// </summary>
internal static class QuotedSentences
{
    /// <summary>Lines that belong together (a row of a table, each value with its heading) are said together if they are short.</summary>
    private const int ShortParagraph = 160;

    /// <summary>A line of at least so many characters may have been broken for its length.</summary>
    private const int WrappedLine = 45;

    /// <summary>Long sentences have more words by chance: their score is divided by (words + Padding)^Exponent.</summary>
    private const double Padding = 10, Exponent = 0.3;

    /// <summary>The sentences, the best last; those without a word of the question never.</summary>
    /// <param name="passages">The texts.</param>
    /// <param name="question">The question.</param>
    /// <param name="count">Sentences, at most.</param>
    public static List<string> Find(IEnumerable<string> passages, string question, int count)
    {
        string[] asked = Words.Subject(question);
        if (count == 0 || asked.Length == 0) return [];
        (string Text, IReadOnlyList<string> Words)[] pieces =
            [.. passages.SelectMany(Pieces).Distinct(StringComparer.Ordinal).Select(piece => (piece, Words.Of(piece)))];
        double[] scores = new double[pieces.Length];
        foreach (string word in asked)
        {
            bool[] has = [.. pieces.Select(piece => piece.Words.Any(other => Words.AreForms(word, other)))];
            double weight = Math.Log(1 + (pieces.Length + 0.5) / (has.Count(holds => holds) + 0.5));
            for (int i = 0; i < scores.Length; i++)
                if (has[i]) scores[i] += weight / Math.Pow(pieces[i].Words.Count + Padding, Exponent);
        }

        return [.. Enumerable.Range(0, pieces.Length).Where(i => scores[i] > 0).OrderByDescending(i => scores[i]).Take(count).Reverse()
            .Select(i => pieces[i].Text)];
    }

    /// <summary>Sentences, and lines that belong together.</summary>
    private static IEnumerable<string> Pieces(string passage) =>
        from paragraph in Parts(passage, BorderKind.Paragraph).Select(Unwrapped)
        from piece in paragraph.Length <= ShortParagraph && IsRow(paragraph) ? [paragraph] : Parts(paragraph, BorderKind.Sentence)
        select piece;

    /// <summary>
    /// The paragraph with spaces for the line breaks that only keep its lines short: behind a long line that ends no sentence, before one
    /// that begins no item or row.
    /// </summary>
    private static string Unwrapped(string paragraph)
    {
        string[] lines = paragraph.Split('\n');
        return string.Concat(lines.Select((line, i) =>
            i + 1 == lines.Length ? line : line + (GoesOn(line.TrimEnd(), lines[i + 1].TrimStart()) ? ' ' : '\n')));
    }

    private static bool GoesOn(string line, string next) =>
        line.Length >= WrappedLine && line[^1] is not ('.' or '!' or '?' or ':' or ';') && next is [not ('-' or '*' or '•' or '#'), ..]
        && !line.Contains(" | ", StringComparison.Ordinal) && !next.Contains(": ", StringComparison.Ordinal);

    /// <summary>Whether it has several lines that belong together: no items of a list, nor rows of a table, each by itself.</summary>
    private static bool IsRow(string paragraph) => paragraph.Split('\n') is [_, .., var last]
        && !(last.TrimStart() is ['-', ' ', ..] or [>= '0' and <= '9', '.', ..] || last.Contains(" | ", StringComparison.Ordinal));

    private static IEnumerable<string> Parts(string text, BorderKind kind)
    {
        List<int> ends = TextBorders.Find(text, 0, text.Length, kind);
        return ends.Prepend(0).Zip(ends, (first, end) => text[first..end].Trim()).Where(part => part.Length > 0);
    }
}
