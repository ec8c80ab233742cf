using Kvasir.Cache;
using Kvasir.Memory;
using Kvasir.Numerics;
using Kvasir.Quantization;
using Xunit;

namespace Kvasir.Tests.Cache;

/// <summary>One block that a codec has encoded, in memory of exactly its length (what lies behind is watched).</summary>
internal sealed unsafe class EncodedBlock : IDisposable
{
    private const byte Watch = 0xA5;
    private const float Untouched = 12345;

    private readonly BlockCodec _codec;
    private readonly int _channels;
    private readonly NativeBuffer _memory;

    /// <param name="path">The kernels.</param>
    /// <param name="keyCodec">Name as in files.</param>
    /// <param name="valueCodec">Name as in files.</param>
    /// <param name="channels">Size of keys and values.</param>
    /// <param name="keys">[channels, 32 tokens].</param>
    /// <param name="values">[32 tokens, channels].</param>
    /// <param name="tokens">Real tokens.</param>
    public EncodedBlock(KernelPath path, string keyCodec, string valueCodec, int channels, float[] keys, float[] values, int tokens = KvBlock.Tokens)
    {
        _channels = channels;
        _codec = new Codecs(AttentionKernels.For(path)).Block(new LayerLayout(1, channels, channels, int.MaxValue, null), keyCodec, valueCodec);
        _memory = new NativeBuffer(_codec.Bytes + NativeBuffer.Alignment);
        new Span<byte>(_memory.Pointer, _codec.Bytes + NativeBuffer.Alignment).Fill(Watch);
        fixed (float* k = keys, v = values) _codec.Encode(k, v, tokens, _memory.Pointer);
        Assert.False(new Span<byte>(_memory.Pointer + _codec.Bytes, NativeBuffer.Alignment).ContainsAnyExcept(Watch), "encoding wrote behind the block");
    }

    /// <summary>Keys and values in one format; the values' groups are always of 32.</summary>
    public EncodedBlock(KernelPath path, QuantizedFormat format, int channels, float[] keys, float[] values, int tokens = KvBlock.Tokens)
        : this(path, format.ToString(), (format with { Group = 32 }).ToString(), channels, keys, values, tokens) { }

    public byte[] Bytes => new Span<byte>(_memory.Pointer, _codec.Bytes).ToArray();

    public (float[] Keys, float[] Values) Decode()
    {
        float[] keys = NewFloats(_channels * KvBlock.Tokens), values = NewFloats(_channels * KvBlock.Tokens);
        fixed (float* k = keys, v = values) _codec.Decode(_memory.Pointer, k, v);
        return (Taken(keys), Taken(values));
    }

    /// <summary>scores [rows, stride], what lies between the rows untouched.</summary>
    public float[] Scores(float[] queries, int rows, int stride)
    {
        float[] scores = NewFloats(rows * stride);
        fixed (float* q = queries, s = scores) _codec.Keys.Scores(_memory.Pointer, _channels, q, rows, s, stride, _memory.Pointer);
        for (int r = 0; r < rows; r++) Assert.False(scores.AsSpan(r * stride + KvBlock.Tokens, stride - KvBlock.Tokens).ContainsAnyExcept(Untouched), "scores were written between the rows");
        return Taken(scores);
    }

    /// <summary>start [rows, channels] plus what the weights [rows, stride] make of the values.</summary>
    public float[] Accumulate(float[] weights, int stride, int rows, float[] start)
    {
        float[] output = NewFloats(rows * _channels);
        start.CopyTo(output, 0);
        fixed (float* w = weights, o = output) _codec.Values.Accumulate(_memory.Pointer + _codec.KeyBytes, _channels, w, stride, rows, o, _memory.Pointer);
        return Taken(output);
    }

    public void Dispose() => _memory.Dispose();

    /// <summary>Room for the result and 64 floats behind it that must stay as they are.</summary>
    private static float[] NewFloats(int count)
    {
        var floats = new float[count + 64];
        Array.Fill(floats, Untouched);
        return floats;
    }

    private static float[] Taken(float[] floats)
    {
        Assert.False(floats.AsSpan(floats.Length - 64).ContainsAnyExcept(Untouched), "something was written behind the result");
        return floats[..^64];
    }
}
