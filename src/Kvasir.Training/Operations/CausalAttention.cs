using System.Numerics.Tensors;
using Kvasir.Numerics;

namespace Kvasir.Training.Operations;

/// <summary>
/// Sequences × length rows of queries [heads × key size], keys [kv heads × key size] and values [kv heads × value size]; key and value
/// size may differ (thin keys), and heads / kv heads query heads share a key and a value.
/// </summary>
internal readonly record struct AttentionShape(int Sequences, int Length, int Heads, int KvHeads, int KeySize, int ValueSize)
{
    /// <summary>Factor of query · key.</summary>
    public float Scale { get; init; } = 1 / MathF.Sqrt(KeySize);

    public int Rows => Sequences * Length;

    public int Group => Heads / KvHeads;

    public int QueryWidth => Heads * KeySize;

    public int KeyWidth => KvHeads * KeySize;

    public int ValueWidth => KvHeads * ValueSize;

    public int OutputWidth => Heads * ValueSize;
}

/// <summary>
/// o = P v with P = softmax(q kᵀ scale), each token seeing itself and what is before it.
/// Gradients: dv = Pᵀ do, dP = do vᵀ, dS = P ∘ (dP − Σ P ∘ dP) scale, dq = dS k, dk = dSᵀ q.
/// A task is one kv head of one sequence with all its query heads. It goes through 32 queries at a time, whose rows of P are computed
/// whole, in the backward pass again: nothing of the size length² is kept.
/// </summary>
internal static unsafe class CausalAttention
{
    /// <summary>Tokens of a tile: queries that are done together, and keys of a panel.</summary>
    private const int Tile = 32;

    public static void Forward(
        Worker worker, AttentionShape shape, ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value,
        Span<float> output)
    {
        Check(shape, query.Length, key.Length, value.Length, output.Length);
        var tiles = new Tiles(worker, shape, backward: false);
        fixed (float* q = query, k = key, v = value, o = output)
        {
            foreach (int task in worker.Tasks(shape.Sequences * shape.KvHeads))
            {
                long row = (long)(task / shape.KvHeads) * shape.Length;
                int kvHead = task % shape.KvHeads;
                tiles.PackKeys(k + row * shape.KeyWidth + kvHead * shape.KeySize);
                tiles.PackValues(v + row * shape.ValueWidth + kvHead * shape.ValueSize);
                for (int head = kvHead * shape.Group; head < (kvHead + 1) * shape.Group; head++)
                {
                    float* queries = q + row * shape.QueryWidth + head * shape.KeySize;
                    float* outputs = o + row * shape.OutputWidth + head * shape.ValueSize;
                    for (int first = 0; first < shape.Length; first += Tile)
                    {
                        tiles.Probabilities(queries, first);
                        tiles.WeighValues(outputs, first);
                    }
                }
            }
        }
    }

    /// <summary>Overwrites the gradients of query, key and value.</summary>
    public static void Backward(Worker worker, AttentionShape shape, in AttentionTensors tensors, in AttentionGradients gradients)
    {
        Check(shape, tensors.Query.Length, tensors.Key.Length, tensors.Value.Length, gradients.Output.Length);
        Check(shape, gradients.Query.Length, gradients.Key.Length, gradients.Value.Length, gradients.Output.Length);
        var tiles = new Tiles(worker, shape, backward: true);
        fixed (float* q = tensors.Query, k = tensors.Key, v = tensors.Value, dO = gradients.Output)
        fixed (float* dq = gradients.Query, dk = gradients.Key, dv = gradients.Value)
        {
            foreach (int task in worker.Tasks(shape.Sequences * shape.KvHeads))
            {
                long row = (long)(task / shape.KvHeads) * shape.Length;
                int kvHead = task % shape.KvHeads;
                tiles.PackKeys(k + row * shape.KeyWidth + kvHead * shape.KeySize);
                tiles.PackValues(v + row * shape.ValueWidth + kvHead * shape.ValueSize);
                tiles.ClearSums();
                for (int head = kvHead * shape.Group; head < (kvHead + 1) * shape.Group; head++)
                {
                    long queries = row * shape.QueryWidth + head * shape.KeySize;
                    float* gradient = dO + row * shape.OutputWidth + head * shape.ValueSize;
                    for (int first = 0; first < shape.Length; first += Tile)
                    {
                        tiles.Probabilities(q + queries, first);
                        tiles.ScoreGradients(gradient, first);
                        tiles.QueryGradients(dq + queries, first);
                        tiles.AddKeyAndValueGradients(q + queries, gradient, first);
                    }
                }
                tiles.WriteSums(dk + row * shape.KeyWidth + kvHead * shape.KeySize, dv + row * shape.ValueWidth + kvHead * shape.ValueSize);
            }
        }
    }

    private static void Check(AttentionShape shape, int query, int key, int value, int output)
    {
        if (query < shape.Rows * shape.QueryWidth || key < shape.Rows * shape.KeyWidth || value < shape.Rows * shape.ValueWidth
            || output < shape.Rows * shape.OutputWidth)
            throw new ArgumentException($"query, key, value or output is too short for {shape}");
    }

    /// <summary>
    /// The panels of one kv head and the rows of one tile of queries, in a worker's scratch. Panel j holds tokens 32 j to 32 j + 31: keys
    /// and values both as they are [32, size] and transposed [size, 32]; what is beyond the sequence is never read back.
    /// </summary>
    private readonly ref struct Tiles
    {
        private readonly AttentionShape _shape;
        private readonly AttentionKernels _kernels;
        private readonly bool _backward;
        private readonly int _columns;
        private readonly float* _keysTransposed, _keys, _values, _valuesTransposed, _keySums, _valueSums;
        private readonly float* _probabilities, _gradients, _transposed, _rows;

        public Tiles(Worker worker, AttentionShape shape, bool backward)
        {
            (_shape, _kernels, _backward) = (shape, worker.Kernels, backward);
            _columns = (shape.Length + Tile - 1) / Tile * Tile;
            int keys = _columns * shape.KeySize, values = _columns * shape.ValueSize, tile = Tile * _columns;
            int widest = Math.Max(shape.KeySize, shape.ValueSize);
            float* next = worker.Scratch(3L * keys + 3L * values + 2L * tile + Tile * Tile + Tile * widest);
            _keysTransposed = next;
            _keys = next += keys;
            _keySums = next += keys;
            _values = next += keys;
            _valuesTransposed = next += values;
            _valueSums = next += values;
            _probabilities = next += values;
            _gradients = next += tile;
            _transposed = next += tile;
            _rows = next + Tile * Tile;
        }

        public void PackKeys(float* source) => Pack(source, _shape.KeyWidth, _shape.KeySize, _backward ? _keys : null, _keysTransposed);

        public void PackValues(float* source) =>
            Pack(source, _shape.ValueWidth, _shape.ValueSize, _values, _backward ? _valuesTransposed : null);

        public void ClearSums()
        {
            new Span<float>(_keySums, _columns * _shape.KeySize).Clear();
            new Span<float>(_valueSums, _columns * _shape.ValueSize).Clear();
        }

        public void WriteSums(float* keys, float* values)
        {
            for (int t = 0; t < _shape.Length; t++)
            {
                Products.Copy(_keySums + t * _shape.KeySize, 0, 1, _shape.KeySize, keys + (long)t * _shape.KeyWidth);
                Products.Copy(_valueSums + t * _shape.ValueSize, 0, 1, _shape.ValueSize, values + (long)t * _shape.ValueWidth);
            }
        }

        /// <summary>P of the queries from <paramref name="first"/> on; 0 where a query does not see.</summary>
        public void Probabilities(float* queries, int first)
        {
            int rows = Rows(first), seen = first + Tile;
            for (int j = 0; j < seen; j += Tile)
                _kernels.Multiply(new(queries + (long)first * _shape.QueryWidth, _shape.QueryWidth), _keysTransposed + j * _shape.KeySize,
                    rows, _shape.KeySize, Tile, new(_probabilities + j, _columns), accumulate: false);
            for (int r = 0; r < rows; r++)
            {
                float* row = _probabilities + r * _columns;
                int count = first + r + 1;
                float maximum = float.NegativeInfinity, sum = 0;
                _kernels.Scale(row, count, _shape.Scale);
                _kernels.Softmax(row, count, ref maximum, ref sum);
                _kernels.Scale(row, count, 1 / sum);
                new Span<float>(row + count, seen - count).Clear();
            }
        }

        /// <summary>o = P v.</summary>
        public void WeighValues(float* outputs, int first)
        {
            for (int j = 0; j <= first; j += Tile)
                _kernels.Multiply(new(_probabilities + j, _columns), _values + j * _shape.ValueSize, Rows(first), Rows(j),
                    _shape.ValueSize, new(outputs + (long)first * _shape.OutputWidth, _shape.OutputWidth), accumulate: j > 0);
        }

        /// <summary>dS = P ∘ (dP − Σ P ∘ dP) scale.</summary>
        public void ScoreGradients(float* gradient, int first)
        {
            int rows = Rows(first), seen = first + Tile;
            for (int j = 0; j < seen; j += Tile)
                _kernels.Multiply(new(gradient + (long)first * _shape.OutputWidth, _shape.OutputWidth),
                    _valuesTransposed + j * _shape.ValueSize, rows, _shape.ValueSize, Tile, new(_gradients + j, _columns),
                    accumulate: false);
            for (int r = 0; r < rows; r++)
            {
                int count = first + r + 1;
                var p = new ReadOnlySpan<float>(_probabilities + r * _columns, count);
                var d = new Span<float>(_gradients + r * _columns, count);
                TensorPrimitives.Add(d, -TensorPrimitives.Dot(p, d), d);
                TensorPrimitives.Multiply(d, p, d);
                _kernels.Scale(_gradients + r * _columns, count, _shape.Scale);
                new Span<float>(_gradients + r * _columns + count, seen - count).Clear();
            }
        }

        /// <summary>dq = dS k.</summary>
        public void QueryGradients(float* queries, int first)
        {
            for (int j = 0; j <= first; j += Tile)
                _kernels.Multiply(new(_gradients + j, _columns), _keys + j * _shape.KeySize, Rows(first), Rows(j), _shape.KeySize,
                    new(queries + (long)first * _shape.QueryWidth, _shape.QueryWidth), accumulate: j > 0);
        }

        /// <summary>dk += dSᵀ q, dv += Pᵀ do.</summary>
        public void AddKeyAndValueGradients(float* queries, float* gradient, int first)
        {
            AddTransposed(_gradients, queries, _shape.QueryWidth, first, _shape.KeySize, _keySums);
            AddTransposed(_probabilities, gradient, _shape.OutputWidth, first, _shape.ValueSize, _valueSums);
        }

        /// <summary>sums [tokens, size] += leftᵀ right, for left [queries, tokens] and right [queries, size].</summary>
        private void AddTransposed(float* left, float* right, int stride, int first, int size, float* sums)
        {
            int rows = Rows(first);
            Products.Copy(right + (long)first * stride, stride, rows, size, _rows);
            for (int j = 0; j <= first; j += Tile)
            {
                Products.Transpose(left + j, _columns, rows, Tile, _transposed, rows);
                _kernels.Multiply(new(_transposed, rows), _rows, Rows(j), rows, size, new(sums + j * size, size), accumulate: true);
            }
        }

        private void Pack(float* source, int stride, int size, float* plain, float* transposed)
        {
            for (int j = 0; j < _shape.Length; j += Tile, source += Tile * stride)
            {
                if (plain != null) Products.Copy(source, stride, Rows(j), size, plain + j * size);
                if (transposed == null) continue;
                // A short last panel keeps its width of 32: its other columns hold old numbers, which no query sees.
                Products.Transpose(source, stride, Rows(j), size, transposed + j * size, Tile);
            }
        }

        /// <summary>Tokens of the tile from <paramref name="first"/> on.</summary>
        private int Rows(int first) => Math.Min(Tile, _shape.Length - first);

    }
}

/// <summary>What attention read.</summary>
internal readonly ref struct AttentionTensors
{
    public ReadOnlySpan<float> Query { get; init; }

    public ReadOnlySpan<float> Key { get; init; }

    public ReadOnlySpan<float> Value { get; init; }
}

/// <summary>The gradient of what attention gave, and room for those of what it read.</summary>
internal readonly ref struct AttentionGradients
{
    public ReadOnlySpan<float> Output { get; init; }

    public Span<float> Query { get; init; }

    public Span<float> Key { get; init; }

    public Span<float> Value { get; init; }
}
