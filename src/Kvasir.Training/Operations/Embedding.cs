using System.Numerics.Tensors;

namespace Kvasir.Training.Operations;

/// <summary>x[t] = E[id of t]; the gradient of a token's row is the sum over its places: dE[id] += dx[t].</summary>
internal static class Embedding
{
    /// <summary>table [vocabulary, width], x [tokens, width].</summary>
    public static void Forward(ReadOnlySpan<float> table, ReadOnlySpan<int> ids, int width, Span<float> x)
    {
        for (int t = 0; t < ids.Length; t++) table.Slice(ids[t] * width, width).CopyTo(x[(t * width)..]);
    }

    /// <summary>Adds to some columns of every row: those of different columns may be done at once.</summary>
    public static void Backward(ReadOnlySpan<float> dx, ReadOnlySpan<int> ids, int width, RowRange columns, Span<float> gradient)
    {
        for (int t = 0; t < ids.Length; t++)
        {
            Span<float> row = gradient.Slice(ids[t] * width + columns.First, columns.Count);
            TensorPrimitives.Add(row, dx.Slice(t * width + columns.First, columns.Count), row);
        }
    }
}
