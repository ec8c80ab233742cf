using System.Numerics;
using System.Numerics.Tensors;
using Kvasir.Documents.Catalog;
using Kvasir.Memory;

namespace Kvasir.Documents.Asking;

/// <summary>
/// Cosine of a query with the embeddings of texts, which are read once into one matrix of 8-bit directions, [texts, width]; a text without
/// embedding has a row of 0.
/// </summary>
internal sealed class VectorIndex : IDisposable
{
    /// <summary>Rows that one thread takes at a time.</summary>
    private const int RowsAtOnce = 1024;

    private readonly int _count;
    private NativeBuffer? _rows;
    private int _width;

    /// <param name="catalog">Where the embeddings are.</param>
    /// <param name="encoder">Whose.</param>
    /// <param name="texts">The texts, in order: text i has row i.</param>
    public VectorIndex(ICatalog catalog, string encoder, long[] texts)
    {
        _count = texts.Length;
        var without = new List<long>();
        int next = 0;
        catalog.Embeddings(encoder, (text, row) =>
        {
            while (next < texts.Length && texts[next] < text) without.Add(texts[next++]);
            if (next == texts.Length || texts[next] != text) return;
            if (_rows is null) _rows = new NativeBuffer((long)_count * (_width = row.Length), hugePages: true);
            if (row.Length == _width) row.CopyTo(Row(next));
            else without.Add(text);
            next++;
        });
        without.AddRange(texts[next..]);
        Without = without;
    }

    /// <summary>Texts that have no sound embedding.</summary>
    public IReadOnlyList<long> Without { get; }

    /// <summary>Dimensions of the embeddings; 0 where there are none.</summary>
    public int Width => _width;

    /// <summary>The cosine of each text's embedding with <paramref name="query"/>.</summary>
    public float[] Scores(ReadOnlySpan<float> query)
    {
        float[] scores = new float[_count];
        float norm = TensorPrimitives.Norm(query);
        if (query.Length != _width || !float.IsFinite(norm) || norm == 0) return scores;
        float[] unit = new float[_width];
        TensorPrimitives.Divide(query, norm, unit);
        Parallel.For(0, (_count + RowsAtOnce - 1) / RowsAtOnce, part =>
        {
            for (int row = part * RowsAtOnce; row < Math.Min(_count, (part + 1) * RowsAtOnce); row++) scores[row] = Cosine(unit, Row(row));
        });
        return scores;
    }

    public void Dispose() => _rows?.Dispose();

    /// <summary>Σ query · row / √(Σ row²), for a query of length 1.</summary>
    private static float Cosine(ReadOnlySpan<float> query, ReadOnlySpan<sbyte> row)
    {
        Vector<float> products = Vector<float>.Zero, squares = Vector<float>.Zero;
        int i = 0;
        for (; i <= row.Length - Vector<sbyte>.Count; i += Vector<sbyte>.Count)
        {
            Vector.Widen(new Vector<sbyte>(row[i..]), out Vector<short> low, out Vector<short> high);
            Add(low, query[i..], ref products, ref squares);
            Add(high, query[(i + Vector<short>.Count)..], ref products, ref squares);
        }

        float product = Vector.Sum(products), square = Vector.Sum(squares);
        for (; i < row.Length; i++)
        {
            product += query[i] * row[i];
            square += row[i] * row[i];
        }

        return square > 0 ? product / MathF.Sqrt(square) : 0;
    }

    private static void Add(Vector<short> row, ReadOnlySpan<float> query, ref Vector<float> products, ref Vector<float> squares)
    {
        Vector.Widen(row, out Vector<int> low, out Vector<int> high);
        Vector<float> first = Vector.ConvertToSingle(low), second = Vector.ConvertToSingle(high);
        products += (first * new Vector<float>(query)) + (second * new Vector<float>(query[Vector<float>.Count..]));
        squares += (first * first) + (second * second);
    }

    private Span<sbyte> Row(int row) => _rows!.Span<sbyte>((long)row * _width, _width);
}
