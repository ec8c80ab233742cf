using System.Numerics.Tensors;
using Kvasir.Documents.Storage;
using Kvasir.Memory;

namespace Kvasir.Documents.Retrieval;

/// <summary>
/// Cosine of a query against the embeddings of texts, which are read once into one matrix of float16, [texts, width]. Rows have length 1, so that
/// the cosine is a product; a text without embedding has a row of 0.
/// </summary>
internal sealed class VectorIndex : IDisposable
{
    /// <summary>Rows that are widened to float32 at a time: they stay in the first cache.</summary>
    private const int BlockRows = 16;

    /// <summary>Blocks that one thread takes at a time.</summary>
    private const int BlocksAtOnce = 64;

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

    /// <summary>The cosine of each text's embedding with <paramref name="query"/>.</summary>
    public float[] Scores(ReadOnlySpan<float> query)
    {
        float[] scores = new float[_count];
        float norm = TensorPrimitives.Norm(query);
        if (query.Length != _width || !float.IsFinite(norm) || norm == 0) return scores;

        float[] unit = new float[_width];
        TensorPrimitives.Divide(query, norm, unit);
        const int Rows = BlockRows * BlocksAtOnce;
        Parallel.For(0, (_count + Rows - 1) / Rows, part =>
            Score(unit, part * Rows, scores.AsSpan(part * Rows, Math.Min(Rows, _count - part * Rows))));
        return scores;
    }

    public void Dispose() => _rows?.Dispose();

    private void Score(float[] query, int first, Span<float> scores)
    {
        float[] block = new float[BlockRows * _width];
        for (int at = 0; at < scores.Length; at += BlockRows)
        {
            int count = Math.Min(BlockRows, scores.Length - at);
            TensorPrimitives.ConvertToSingle(_rows!.Span<Half>((long)(first + at) * _width * sizeof(ushort), count * _width), block);
            for (int i = 0; i < count; i++)
            {
                float cosine = TensorPrimitives.Dot(query, block.AsSpan(i * _width, _width));
                scores[at + i] = float.IsFinite(cosine) ? cosine : 0;
            }
        }
    }

    private Span<Half> Row(int row) => _rows!.Span<Half>((long)row * _width * sizeof(ushort), _width);
}
