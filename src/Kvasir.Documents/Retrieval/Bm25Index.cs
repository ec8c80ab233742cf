namespace Kvasir.Documents.Retrieval;

/// <summary>
/// Okapi BM25 (Robertson and Zaragoza, 2009) over the word counts of texts, with idf = ln(1 + (N − n + ½)/(n + ½)). A query scans the
/// distinct terms of all texts, which needs no index to be built: a few milliseconds for 10,000 chunks.
/// </summary>
internal sealed class Bm25Index(IReadOnlyList<TermCounts> texts)
{
    private const float K1 = 1.2f, B = 0.75f;

    private readonly double _meanLength = texts.Count == 0 ? 1 : Math.Max(1, texts.Average(text => (double)text.Length));

    /// <summary>The score of every text; 0 where no word of the query stands in it.</summary>
    public float[] Scores(string query)
    {
        float[] scores = new float[texts.Count];
        ushort[] frequencies = new ushort[texts.Count];
        foreach (uint term in TermCounts.Of(query).Terms)
        {
            AddTerm(term, frequencies, scores);
        }

        return scores;
    }

    private void AddTerm(uint term, ushort[] frequencies, float[] scores)
    {
        int holding = 0;
        for (int i = 0; i < texts.Count; i++)
        {
            int at = Array.IndexOf(texts[i].Terms, term);
            frequencies[i] = at < 0 ? (ushort)0 : texts[i].Counts[at];
            holding += at < 0 ? 0 : 1;
        }

        float idf = (float)Math.Log(1 + (texts.Count - holding + 0.5) / (holding + 0.5));
        for (int i = 0; holding > 0 && i < texts.Count; i++)
        {
            if (frequencies[i] > 0)
            {
                float norm = K1 * (1 - B + B * (float)(texts[i].Length / _meanLength));
                scores[i] += idf * frequencies[i] * (K1 + 1) / (frequencies[i] + norm);
            }
        }
    }
}
