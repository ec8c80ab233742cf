using System.Numerics.Tensors;
using Kvasir.Memory;

namespace Kvasir.Vision.Towers;

/// <summary>
/// Softmax attention in which every token sees all: out = softmax(q k^T / sqrt(size)) v in each head. Keys lie in blocks of 32 tokens
/// [channels, 32], values [tokens, channels], which is what the engine's small products want.
/// </summary>
internal sealed unsafe class TowerAttention : IDisposable
{
    private const int BlockTokens = 32, TileRows = 24;

    private readonly TowerKernels _kernels;
    private readonly int _tokens, _heads, _size, _blocks;
    private readonly NativeBuffer _keys, _values;

    public TowerAttention(TowerKernels kernels, int tokens, int heads, int size)
    {
        (_kernels, _tokens, _heads, _size, _blocks) = (kernels, tokens, heads, size, (tokens + BlockTokens - 1) / BlockTokens);
        _keys = new NativeBuffer((long)heads * _blocks * BlockTokens * size * sizeof(float));
        _values = new NativeBuffer((long)heads * tokens * size * sizeof(float));
    }

    /// <summary>Attends; queries are scaled in place.</summary>
    /// <param name="query">[tokens, heads * size]</param>
    /// <param name="key">[tokens, heads * size]</param>
    /// <param name="value">[tokens, heads * size]</param>
    /// <param name="output">[tokens, stride]</param>
    /// <param name="stride">Floats between two tokens' outputs.</param>
    public void Attend(float* query, float* key, float* value, float* output, long stride)
    {
        _kernels.Split(_heads, 1, (first, end) =>
        {
            for (int head = first; head < end; head++) Take(head, query, key, value);
        });
        int tiles = (_tokens + TileRows - 1) / TileRows;
        _kernels.Split(_heads * tiles, 1, (first, end) =>
        {
            using var scores = new NativeBuffer((long)TileRows * _blocks * BlockTokens * sizeof(float));
            for (int item = first; item < end; item++)
                Attend(item / tiles, item % tiles * TileRows, query, (float*)scores.Pointer, output, stride);
        });
    }

    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
    }

    private float* KeyBlock(int head, int block) => (float*)_keys.Pointer + ((long)head * _blocks + block) * BlockTokens * _size;

    private float* Values(int head) => (float*)_values.Pointer + (long)head * _tokens * _size;

    /// <summary>Puts a head's keys and values into place.</summary>
    private void Take(int head, float* query, float* key, float* value)
    {
        long width = (long)_heads * _size;
        float scale = 1 / MathF.Sqrt(_size);
        for (int token = 0; token < _tokens; token++)
        {
            long from = token * width + head * _size;
            float* block = KeyBlock(head, token / BlockTokens) + token % BlockTokens;
            for (int channel = 0; channel < _size; channel++) block[channel * BlockTokens] = key[from + channel];
            new ReadOnlySpan<float>(value + from, _size).CopyTo(new Span<float>(Values(head) + (long)token * _size, _size));
            var scaled = new Span<float>(query + from, _size);
            TensorPrimitives.Multiply(scaled, scale, scaled);
        }
    }

    private void Attend(int head, int firstRow, float* query, float* scores, float* output, long stride)
    {
        int rows = Math.Min(TileRows, _tokens - firstRow), width = _heads * _size, columns = _blocks * BlockTokens;
        float* left = query + (long)firstRow * width + head * _size;
        for (int block = 0; block < _blocks; block++)
            _kernels.Attention.Multiply(new(left, width), KeyBlock(head, block), rows, _size, BlockTokens,
                new(scores + block * BlockTokens, columns), accumulate: false);
        float* result = output + firstRow * stride + head * _size;
        for (int row = 0; row < rows; row++)
        {
            float maximum = float.NegativeInfinity, sum = 0;
            _kernels.Attention.Softmax(scores + (long)row * columns, _tokens, ref maximum, ref sum);
            _kernels.Attention.Scale(scores + (long)row * columns, _tokens, 1 / sum);
        }
        _kernels.Attention.Multiply(new(scores, columns), Values(head), rows, _tokens, _size, new(result, checked((int)stride)),
            accumulate: false);
    }
}
