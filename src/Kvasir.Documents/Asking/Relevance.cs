namespace Kvasir.Documents.Asking;

/// <summary>
/// Whether a passage has to do with a question at all. Measured with all-MiniLM-L6-v2 on the five passages found for each question
/// (cosine of the best: median, and range of the middle nine tenths):
/// <list type="table">
/// <item>120 questions on the 60 facts documents: 0.72 (0.62 to 0.82); 60 on 2,099 chunks of Wikipedia (HotpotQA): 0.61 (0.48 to 0.78).</item>
/// <item>Asked of the facts instead: 60 everyday questions 0.15 (0.07 to 0.39), the HotpotQA ones 0.18 (0.08 to 0.32).</item>
/// <item>Asked of Wikipedia instead: the facts questions 0.35 (0.25 to 0.47), the everyday ones 0.29 (0.14 to 0.44; it answers some of them).</item>
/// </list>
/// The words that question and passage share tell less by themselves: everyday words are rare in a small store.
/// </summary>
internal static class Relevance
{
    /// <summary>
    /// The highest cosine that loses none of the 180 questions whose documents are there. Of the 300 others it and <see cref="ManyWords"/>
    /// reject 260: 58 and 59 of 60 on the facts, 91 of 120 and 51 of 60 on Wikipedia. At 0.45 it would lose one and reject 284.
    /// </summary>
    public const float LeastCosine = 0.40f;

    /// <summary>The share of the question's words that makes up for half of the cosine: embeddings know little of part numbers and rare names.</summary>
    private const float ManyWords = 0.8f;

    /// <summary>The share that is asked of a passage without embedding.</summary>
    private const float WordsAlone = 0.35f;

    public static bool IsRelevant(Passage passage, float leastCosine) =>
        passage.Cosine >= leastCosine
        || (passage.Cosine >= leastCosine / 2 && passage.Words >= ManyWords)
        || (passage.Cosine == 0 && passage.Words >= WordsAlone);
}
