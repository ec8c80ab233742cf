using System.Numerics.Tensors;

namespace Kvasir.Documents.Retrieval;

/// <summary>
/// Cosine of a query against the vectors of texts, one row after another where they stand. Rows have length 1, so that the cosine is a product.
/// Texts are added in their order; rows that follow each other are read in one go.
/// </summary>
internal sealed class VectorIndex
{
    /// <summary>Rows that are looked at as one piece of memory.</summary>
    private const int PieceRows = 1024;

    private readonly List<Run> _runs = [];

    /// <summary>Texts added so far.</summary>
    public int Count { get; private set; }

    /// <summary>Adds texts whose vectors are the rows from <paramref name="first"/> on.</summary>
    public void Add(IVectorRows rows, long first, int count)
    {
        if (_runs.Count > 0 && _runs[^1] is var last && last.Rows == rows && last.First + last.Count == first && last.Text + last.Count == Count)
            _runs[^1] = last with { Count = last.Count + count };
        else _runs.Add(new Run(rows, first, count, Count));

        Count += count;
    }

    /// <summary>Adds texts without vectors; they score 0.</summary>
    public void AddWithout(int count) => Count += count;

    /// <summary>The cosine of each text's vector with <paramref name="query"/>.</summary>
    public float[] Scores(ReadOnlySpan<float> query)
    {
        float[] scores = new float[Count];
        float norm = TensorPrimitives.Norm(query);
        if (!float.IsFinite(norm) || norm == 0) return scores;

        float[] unit = new float[query.Length];
        TensorPrimitives.Divide(query, norm, unit);
        foreach (Run run in _runs.Where(run => run.Rows.Width == unit.Length))
        {
            for (int done = 0; done < run.Count; done += PieceRows)
            {
                int count = Math.Min(PieceRows, run.Count - done);
                Score(run.Rows.Read(run.First + done, count), unit, scores.AsSpan(run.Text + done, count));
            }
        }

        return scores;
    }

    private static void Score(ReadOnlySpan<float> rows, ReadOnlySpan<float> query, Span<float> scores)
    {
        for (int i = 0; i < scores.Length; i++)
        {
            float cosine = TensorPrimitives.Dot(query, rows.Slice(i * query.Length, query.Length));
            scores[i] = float.IsFinite(cosine) ? cosine : 0;
        }
    }

    private readonly record struct Run(IVectorRows Rows, long First, int Count, int Text);
}
