using Kvasir.Documents.Chunking;
using Kvasir.Documents.Retrieval;

namespace Kvasir.Documents.Asking;

/// <summary>
/// What of passages is emphasised for a question: the sentences that share most words with it. The words alone mislead: what is asked for
/// stands beside them.
/// </summary>
internal static class TellingSentences
{
    /// <summary>Where the sentences stand in the text of the passages, by characters; none where no word is shared.</summary>
    public static IReadOnlyList<(int First, int End)> Find(string passages, string question)
    {
        string[] words = [.. Words.Telling(question)];
        List<int> ends = TextBorders.Find(passages, 0, passages.Length, BorderKind.Sentence);
        (int First, int End, int Shared)[] sentences = [.. ends.Prepend(0).Zip(ends, (first, end) =>
            (first, end, Words.Of(passages[first..end]).Intersect(words, StringComparer.Ordinal).Count()))];
        int most = sentences.Select(sentence => sentence.Shared).DefaultIfEmpty().Max();
        return most == 0
            ? [] : [.. sentences.Where(sentence => sentence.Shared == most).Select(sentence => (sentence.First, sentence.End))];
    }
}
