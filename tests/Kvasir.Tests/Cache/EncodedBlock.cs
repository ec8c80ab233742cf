using Kvasir.Cache;
using Kvasir.Memory;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Tests.Cache;

/// <summary>One block that a codec has encoded, in memory of exactly its length (what lies behind is watched).</summary>
internal sealed unsafe class EncodedBlock : IDisposable
{
    private const byte Watch = 0xA5;
    private const float Untouched = 12345;

    private readonly BlockCodec _codec;
    private readonly int _channels;
    private readonly NativeBuffer _memory;

    /// <param name="kernels">The kernels.</param>
    /// <param name="keyCodec">Name as in files.</param>
    /// <param name="valueCodec">Name as in files.</param>
    /// <param name="channels">Size of keys and values.</param>
    /// <param name="keys">[channels, 32 tokens].</param>
    /// <param name="values">[32 tokens, channels].</param>
    /// <param name="tokens">Real tokens.</param>
    public EncodedBlock(AttentionKernels kernels, string keyCodec, string valueCodec, int channels, float[] keys, float[] values,
        int tokens = KvBlock.Tokens)
    {
        _channels = channels;
        _codec = new Codecs(kernels).Block(new LayerLayout(1, channels, channels, int.MaxValue, null), keyCodec, valueCodec);
        _memory = new NativeBuffer(_codec.Bytes + NativeBuffer.Alignment);
        new Span<byte>(_memory.Pointer, _codec.Bytes + NativeBuffer.Alignment).Fill(Watch);
        fixed (float* k = keys, v = values) _codec.Encode(k, v, tokens, _memory.Pointer, default);
        Assert.False(new Span<byte>(_memory.Pointer + _codec.Bytes, NativeBuffer.Alignment).ContainsAnyExcept(Watch),
            "encoding wrote behind the block");
    }

    /// <summary>Keys and values in one format; the values' groups are always of 32.</summary>
    public EncodedBlock(AttentionKernels kernels, QuantizedFormat format, int channels, float[] keys, float[] values,
        int tokens = KvBlock.Tokens)
        : this(kernels, format.ToString(), (format with { Group = 32 }).ToString(), channels, keys, values, tokens) { }

    /// <summary>Every path of this machine, exact and as models use it.</summary>
    public static IEnumerable<AttentionKernels> AllKernels =>
        KernelPaths.Supported.SelectMany(path => new[] { AttentionKernels.For(path), AttentionKernels.For(path, exact: false) });

    /// <summary>The fastest path, exact.</summary>
    public static AttentionKernels BestKernels => AttentionKernels.For(KernelPaths.Choose());

    public byte[] Bytes => new Span<byte>(_memory.Pointer, _codec.Bytes).ToArray();

    public (float[] Keys, float[] Values) Decode()
    {
        float[] keys = NewFloats(_channels * KvBlock.Tokens), values = NewFloats(_channels * KvBlock.Tokens);
        fixed (float* k = keys, v = values) _codec.Decode(_memory.Pointer, k, v, default);
        return (Taken(keys), Taken(values));
    }

    public float[] Scores(float[] queries, int rows, int stride) => Scores([this], queries, rows, stride);

    public float[] Accumulate(float[] weights, int stride, int rows, float[] start) => Accumulate([this], weights, stride, rows, start);

    /// <summary>scores [rows, stride] of a strip of blocks, what lies between the rows untouched.</summary>
    public static float[] Scores(EncodedBlock[] strip, float[] queries, int rows, int stride)
    {
        int width = strip.Length * KvBlock.Tokens, channels = strip[0]._channels;
        float[] scores = NewFloats(rows * stride);
        byte** blocks = stackalloc byte*[strip.Length];
        for (int b = 0; b < strip.Length; b++) blocks[b] = strip[b]._memory.Pointer;
        fixed (float* q = queries, s = scores)
            strip[0]._codec.Keys.Scores(Strip(blocks, strip.Length, channels, strip[0]._codec.ValueBytes), q, rows, s, stride);
        for (int r = 0; r < rows; r++)
            Assert.False(scores.AsSpan(r * stride + width, stride - width).ContainsAnyExcept(Untouched),
                "scores were written between the rows");
        return Taken(scores);
    }

    /// <summary>start [rows, channels] plus what the weights [rows, stride] make of the values of a strip of blocks.</summary>
    public static float[] Accumulate(EncodedBlock[] strip, float[] weights, int stride, int rows, float[] start)
    {
        int channels = strip[0]._channels;
        float[] output = NewFloats(rows * channels);
        start.CopyTo(output, 0);
        byte** blocks = stackalloc byte*[strip.Length];
        for (int b = 0; b < strip.Length; b++) blocks[b] = strip[b]._memory.Pointer + strip[b]._codec.KeyBytes;
        fixed (float* w = weights, o = output)
            strip[0]._codec.Values.Accumulate(Strip(blocks, strip.Length, channels, strip[0]._codec.KeyBytes), w, stride, rows, o);
        return Taken(output);
    }

    public void Dispose() => _memory.Dispose();

    private static BlockStrip Strip(byte** blocks, int count, int channels, int nextBytes) =>
        new() { Blocks = blocks, Count = count, Channels = channels, Next = blocks, NextBytes = nextBytes };

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
