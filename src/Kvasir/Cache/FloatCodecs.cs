using System.Runtime.Intrinsics;
using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>Keys in float32, as they came.</summary>
internal sealed unsafe class FloatKeys(AttentionKernels kernels) : KeyCodec
{
    public override string Name => "f32";

    public override int Bytes(int channels) => KvBlock.Tokens * channels * sizeof(float);

    public override void Encode(float* keys, int channels, int tokens, byte* block, in KeyContext context) =>
        NativeMemory.Copy(keys, block, (nuint)Bytes(channels));

    public override void Decode(byte* block, int channels, float* keys, in KeyContext context) =>
        NativeMemory.Copy(block, keys, (nuint)Bytes(channels));

    public override void Scores(in BlockStrip strip, float* queries, int rows, float* scores, int scoresStride) =>
        Scores(kernels, strip.Blocks, strip.Count, strip.Channels, queries, rows, scores, scoresStride, strip.Next);

    /// <summary>The same for any blocks in the float form, those of the tail too.</summary>
    public static void Scores(
        AttentionKernels kernels, byte** blocks, int count, int channels, float* queries, int rows, float* scores, int scoresStride,
        byte** next)
    {
        for (int b = 0; b < count; b++)
            kernels.Multiply(new(queries, channels), (float*)blocks[b], rows, channels, KvBlock.Tokens,
                new(scores + b * KvBlock.Tokens, scoresStride), accumulate: false, next[b]);
    }
}

/// <summary>Values in float32, as they came.</summary>
internal sealed unsafe class FloatValues(AttentionKernels kernels) : ValueCodec
{
    public override string Name => "f32";

    public override int Bytes(int channels) => KvBlock.Tokens * channels * sizeof(float);

    public override void Encode(float* values, int channels, int tokens, byte* block) =>
        NativeMemory.Copy(values, block, (nuint)Bytes(channels));

    public override void Decode(byte* block, int channels, float* values) => NativeMemory.Copy(block, values, (nuint)Bytes(channels));

    public override void Accumulate(in BlockStrip strip, float* weights, int weightsStride, int rows, float* output) =>
        Accumulate(kernels, strip.Blocks, strip.Count, strip.Channels, weights, weightsStride, rows, output, strip.Next);

    /// <summary>The same for any blocks in the float form, those of the tail too.</summary>
    public static void Accumulate(
        AttentionKernels kernels, byte** blocks, int count, int channels, float* weights, int weightsStride, int rows, float* output,
        byte** next)
    {
        for (int b = 0; b < count; b++)
            kernels.Multiply(new(weights + b * KvBlock.Tokens, weightsStride), (float*)blocks[b], rows, KvBlock.Tokens, channels,
                new(output, channels), accumulate: true, next[b]);
    }
}

/// <summary>Keys in float16, rounded to nearest even.</summary>
internal sealed unsafe class HalfKeys(AttentionKernels kernels) : KeyCodec
{
    public override string Name => "f16";

    public override int Bytes(int channels) => KvBlock.Tokens * channels * sizeof(ushort);

    public override void Encode(float* keys, int channels, int tokens, byte* block, in KeyContext context) =>
        HalfRounding.Narrow(keys, block, KvBlock.Tokens * channels);

    public override void Decode(byte* block, int channels, float* keys, in KeyContext context) =>
        kernels.Widen((ushort*)block, keys, KvBlock.Tokens * channels);

    public override void Scores(in BlockStrip strip, float* queries, int rows, float* scores, int scoresStride)
    {
        byte** blocks = strip.Blocks;
        (int count, int channels) = (strip.Count, strip.Channels);
        for (int b = 0; b < count; b++)
            kernels.MultiplyHalf(new(queries, channels), (ushort*)blocks[b], rows, channels, KvBlock.Tokens,
                new(scores + b * KvBlock.Tokens, scoresStride), accumulate: false, b + 1 < count ? blocks[b + 1] : strip.Next[0]);
    }
}

/// <summary>Values in float16, rounded to nearest even.</summary>
internal sealed unsafe class HalfValues(AttentionKernels kernels) : ValueCodec
{
    public override string Name => "f16";

    public override int Bytes(int channels) => KvBlock.Tokens * channels * sizeof(ushort);

    public override void Encode(float* values, int channels, int tokens, byte* block) =>
        HalfRounding.Narrow(values, block, KvBlock.Tokens * channels);

    public override void Decode(byte* block, int channels, float* values) =>
        kernels.Widen((ushort*)block, values, KvBlock.Tokens * channels);

    public override void Accumulate(in BlockStrip strip, float* weights, int weightsStride, int rows, float* output)
    {
        byte** blocks = strip.Blocks;
        (int count, int channels) = (strip.Count, strip.Channels);
        for (int b = 0; b < count; b++)
            kernels.MultiplyHalf(new(weights + b * KvBlock.Tokens, weightsStride), (ushort*)blocks[b], rows, KvBlock.Tokens, channels,
                new(output, channels), accumulate: true, b + 1 < count ? blocks[b + 1] : strip.Next[0]);
    }
}

/// <summary>
/// Rounding to float16. What it cannot hold becomes its largest finite number, so that no infinity ever reaches a score; what it would hold
/// as a subnormal (below 2^-14) becomes zero, because reading one costs a vector unit some hundred cycles and its part in any sum is
/// nothing.
/// </summary>
internal static unsafe class HalfRounding
{
    private const float Largest = 65504, SmallestNormal = 6.103515625e-5f;

    private const int ExponentShift = (127 - 15) << 23;

    /// <summary>Rounds <paramref name="count"/> numbers, a multiple of 16; NaN becomes 0.</summary>
    public static void Narrow(float* source, byte* destination, int count)
    {
        Vector512<int> one = Vector512<int>.One, half = Vector512.Create(0xFFF), sign = Vector512.Create(0x8000);
        for (int i = 0; i < count; i += Vector512<float>.Count)
        {
            Vector512<float> x = Vector512.Load(source + i), size = Vector512.MinNative(Vector512.Abs(x), Vector512.Create(Largest));
            Vector512<int> bits = size.AsInt32();
            // Adding half a unit, and one more where the last kept bit is odd, rounds to nearest even.
            Vector512<int> rounded = (bits + half + ((bits >>> 13) & one) - Vector512.Create(ExponentShift)) >>> 13;
            rounded &= Vector512.GreaterThanOrEqual(size, Vector512.Create(SmallestNormal)).AsInt32() & Vector512.Equals(x, x).AsInt32();
            Vector512.Narrow((rounded | ((x.AsInt32() >>> 16) & sign)).AsUInt32(), Vector512<uint>.Zero).GetLower()
                .Store((ushort*)destination + i);
        }
    }
}
