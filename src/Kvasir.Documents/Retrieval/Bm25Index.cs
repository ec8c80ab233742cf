namespace Kvasir.Documents.Retrieval;

/// <summary>
/// Okapi BM25 (Robertson and Zaragoza, 2009) over the word counts of texts, with idf = ln(1 + (N − n + ½)/(n + ½)). A query scans the distinct
/// terms of all texts once, where they stand, which needs no inverted index to be built, kept or read: under 0.1 µs for a chunk and word.
/// </summary>
internal sealed class Bm25Index(ITermSource texts)
{
    private const float K1 = 1.2f, B = 0.75f;

    private readonly double _meanLength = Math.Max(1, Enumerable.Range(0, texts.Count).Select(text => (double)texts.Length(text)).DefaultIfEmpty().Average());

    /// <summary>The score of every text; 0 where no word of the query stands in it.</summary>
    public float[] Scores(string query) => Scores(query, out _);

    /// <summary>The score of every text, and the weight (idf) of each distinct term of the query.</summary>
    public float[] Scores(string query, out Dictionary<uint, float> weights)
    {
        uint[] terms = TermCounts.Of(query).Terms;
        List<Hit>[] hits = FindAll(terms);
        float[] scores = new float[texts.Count];
        weights = [];
        for (int t = 0; t < terms.Length; t++)
        {
            float idf = Weight(scores.Length, hits[t].Count);
            weights[terms[t]] = idf;
            foreach (Hit hit in hits[t])
            {
                float norm = K1 * (1 - B + B * (float)(texts.Length(hit.Text) / _meanLength));
                scores[hit.Text] += idf * hit.Frequency * (K1 + 1) / (hit.Frequency + norm);
            }
        }

        return scores;
    }

    /// <summary>The weight of a term that stands in <paramref name="hits"/> of the texts.</summary>
    public static float Weight(int texts, int hits) => (float)Math.Log(1 + (texts - hits + 0.5) / (hits + 0.5));

    /// <summary>Where each of the terms stands.</summary>
    private List<Hit>[] FindAll(uint[] terms)
    {
        List<Hit>[] hits = [.. terms.Select(_ => new List<Hit>())];
        for (int text = 0; text < texts.Count; text++)
        {
            ReadOnlySpan<uint> distinct = texts.Terms(text);
            for (int t = 0; t < terms.Length; t++)
            {
                int at = distinct.IndexOf(terms[t]);
                if (at >= 0) hits[t].Add(new Hit(text, texts.Counts(text)[at]));
            }
        }

        return hits;
    }

    private readonly record struct Hit(int Text, ushort Frequency);
}
