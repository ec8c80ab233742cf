namespace Kvasir.Documents.Retrieval;

/// <summary>
/// Okapi BM25 (Robertson and Zaragoza, 2009) over the word counts of texts, with idf = ln(1 + (N − n + ½)/(n + ½)). A query scans the distinct
/// terms of all texts once, where they stand, which needs no inverted index to be built, kept or read: about 0.1 µs for a chunk and word.
/// </summary>
internal sealed class Bm25Index
{
    private const float K1 = 1.2f, B = 0.75f;

    private readonly ITermSource _texts;
    private readonly int[] _lengths;
    private readonly double _meanLength;

    public Bm25Index(ITermSource texts)
    {
        _texts = texts;
        _lengths = new int[texts.Count];
        for (int i = 0; i < _lengths.Length; i++)
        {
            foreach (ushort count in texts.Counts(i))
            {
                _lengths[i] += count;
            }
        }

        _meanLength = _lengths.Length == 0 ? 1 : Math.Max(1, _lengths.Average(length => (double)length));
    }

    /// <summary>The score of every text; 0 where no word of the query stands in it.</summary>
    public float[] Scores(string query) => Scores(query, out _);

    /// <summary>The score of every text, and the weight (idf) of each distinct term of the query.</summary>
    public float[] Scores(string query, out Dictionary<uint, float> weights)
    {
        uint[] terms = TermCounts.Of(query).Terms;
        List<Hit>[] hits = FindAll(terms);
        float[] scores = new float[_lengths.Length];
        weights = [];
        for (int t = 0; t < terms.Length; t++)
        {
            float idf = (float)Math.Log(1 + (scores.Length - hits[t].Count + 0.5) / (hits[t].Count + 0.5));
            weights[terms[t]] = idf;
            foreach (Hit hit in hits[t])
            {
                float norm = K1 * (1 - B + B * (float)(_lengths[hit.Text] / _meanLength));
                scores[hit.Text] += idf * hit.Frequency * (K1 + 1) / (hit.Frequency + norm);
            }
        }

        return scores;
    }

    /// <summary>Where each of the terms stands.</summary>
    private List<Hit>[] FindAll(uint[] terms)
    {
        List<Hit>[] hits = [.. terms.Select(_ => new List<Hit>())];
        for (int text = 0; text < _lengths.Length; text++)
        {
            ReadOnlySpan<uint> distinct = _texts.Terms(text);
            for (int t = 0; t < terms.Length; t++)
            {
                int at = distinct.IndexOf(terms[t]);
                if (at >= 0)
                {
                    hits[t].Add(new Hit(text, _texts.Counts(text)[at]));
                }
            }
        }

        return hits;
    }

    private readonly record struct Hit(int Text, ushort Frequency);
}
