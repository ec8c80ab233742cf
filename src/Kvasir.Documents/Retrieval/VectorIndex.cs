using System.Numerics.Tensors;

namespace Kvasir.Documents.Retrieval;

/// <summary>Cosine of a query against every vector, one after another. A text without a vector (null) scores 0.</summary>
internal sealed class VectorIndex(IReadOnlyList<ReadOnlyMemory<float>?> vectors)
{
    /// <summary>The cosine of each vector with <paramref name="query"/>.</summary>
    public float[] Scores(ReadOnlySpan<float> query)
    {
        float[] scores = new float[vectors.Count];
        for (int i = 0; i < scores.Length; i++)
        {
            if (vectors[i] is { } vector && vector.Length == query.Length)
            {
                float cosine = TensorPrimitives.CosineSimilarity(query, vector.Span);
                scores[i] = float.IsFinite(cosine) ? cosine : 0;
            }
        }

        return scores;
    }
}
