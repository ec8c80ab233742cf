namespace Kvasir.Reference;

/// <summary>Rankings of texts for a query, as their papers define them, in double precision.</summary>
public static class NaiveRetrieval
{
    /// <summary>
    /// Okapi BM25 (Robertson and Zaragoza 2009, equation 3.15) with k1 = 1.2, b = 0.75 and idf = ln((N - n + 1/2)/(n + 1/2)), at least
    /// 10^-6 as in SQLite's FTS5; words are split at spaces.
    /// </summary>
    public static double[] Bm25(string query, string[] texts)
    {
        string[][] words = [.. texts.Select(text => text.Split(' '))];
        double mean = words.Average(text => text.Length);
        return [.. words.Select(text => query.Split(' ').Distinct().Sum(word =>
        {
            int frequency = text.Count(other => other == word), having = words.Count(other => other.Contains(word));
            double idf = Math.Max(1e-6, Math.Log((texts.Length - having + 0.5) / (having + 0.5)));
            return idf * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * text.Length / mean));
        }))];
    }

    public static double Cosine(float[] a, float[] b) =>
        a.Zip(b, (x, y) => (double)x * y).Sum() / Math.Sqrt(a.Sum(x => (double)x * x) * b.Sum(x => (double)x * x));

    /// <summary>
    /// Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): the sum over the rankings of 1/(60 + rank); what scores 0 or less has no
    /// rank.
    /// </summary>
    public static double[] Fuse(params double[][] rankings) => [.. rankings[0].Select((_, item) => rankings.Sum(scores =>
        scores[item] <= 0
            ? 0 : 1 / (61.0 + scores.Where((score, other) => score > scores[item] || (score == scores[item] && other < item)).Count())))];
}
