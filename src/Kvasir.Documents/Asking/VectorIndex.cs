using System.Numerics;
using System.Numerics.Tensors;
using Kvasir.Documents.Storage;
using Kvasir.Memory;

namespace Kvasir.Documents.Asking;

/// <summary>
/// Cosine of a query against the embeddings of texts, which are read once into one matrix of float16, [texts, width]. Rows have length 1,
/// so that the cosine is a product; a text without embedding has a row of 0.
/// </summary>
internal sealed class VectorIndex : IDisposable
{
    /// <summary>Rows that one thread takes at a time.</summary>
    private const int RowsAtOnce = 1024;

    /// <summary>The bits of a float16, moved to where a float32 has them, are 2^-112 of its value; the query makes up for it.</summary>
    private const float Scale = 5.192296858534828e33f;

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
            if (_rows is null) _rows = new NativeBuffer((long)_count * (_width = row.Length) * sizeof(ushort), hugePages: true);
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
        TensorPrimitives.Multiply(query, Scale / norm, unit);
        Parallel.For(0, (_count + RowsAtOnce - 1) / RowsAtOnce, part =>
        {
            for (int row = part * RowsAtOnce; row < Math.Min(_count, (part + 1) * RowsAtOnce); row++)
                scores[row] = Dot(unit, MemoryMarshal.Cast<Half, short>(Row(row)));
        });
        return scores;
    }

    public void Dispose() => _rows?.Dispose();

    private static float Dot(ReadOnlySpan<float> query, ReadOnlySpan<short> row)
    {
        Vector<float> low = Vector<float>.Zero, high = Vector<float>.Zero;
        int i = 0;
        for (; i <= row.Length - Vector<short>.Count; i += Vector<short>.Count)
        {
            Vector.Widen(new Vector<short>(row[i..]), out Vector<int> first, out Vector<int> second);
            low += Moved(first) * new Vector<float>(query[i..]);
            high += Moved(second) * new Vector<float>(query[(i + Vector<float>.Count)..]);
        }

        float dot = Vector.Sum(low + high);
        for (; i < row.Length; i++) dot += (float)BitConverter.Int16BitsToHalf(row[i]) * (query[i] / Scale);
        return dot;
    }

    /// <summary>Sign to bit 31, exponent and mantissa to the bits from 27 on; widening has filled those above with the sign.</summary>
    private static Vector<float> Moved(Vector<int> halves) =>
        Vector.AsVectorSingle((halves << 13) & new Vector<int>(unchecked((int)0x8FFFE000)));

    private Span<Half> Row(int row) => _rows!.Span<Half>((long)row * _width * sizeof(ushort), _width);
}
