namespace Kvasir.Documents.Asking;

/// <summary>How many of the passages found are worth reading, where the user has not said.</summary>
internal static class PassageSelection
{
    /// <summary>Passages that are looked at.</summary>
    public const int Most = 5;

    /// <summary>
    /// The share of the best passage's relevance that a further one needs. A small model takes its answer from a lookalike as soon as one
    /// is there (facts, five passages: 30% right; the right one alone: 67%), and lookalikes score about half of the right passage.
    /// </summary>
    private const float LeastShare = 0.65f;

    /// <summary>
    /// The same for a small model, which cannot hold passages apart: but for near ties the best alone (SmolLM2-135M, 15 questions on manual
    /// pages: 6 right with one passage, 3 with two, 1 with five).
    /// </summary>
    private const float LeastShareForSmall = 0.9f;

    /// <summary>The first passage, and the others whose cosine and BM25, each as a share of the best, come near it on average.</summary>
    public static List<Passage> Relevant(IReadOnlyList<Passage> passages, bool smallModel)
    {
        float cosine = passages.Select(passage => passage.Cosine).DefaultIfEmpty().Max(), bm25 = passages.Select(passage => passage.Bm25)
            .DefaultIfEmpty().Max();
        float least = smallModel ? LeastShareForSmall : LeastShare;
        return [.. passages.Where((passage, rank) =>
            rank == 0 || (Share(passage.Cosine, cosine) + Share(passage.Bm25, bm25)) / 2 >= least)];
    }

    private static float Share(float score, float best) => best > 0 ? Math.Max(0, score) / best : 1;
}
