using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>Keys in float32, as they came.</summary>
internal sealed unsafe class FloatKeys(AttentionKernels kernels) : KeyCodec
{
    public override string Name => "f32";

    public override int Bytes(int channels) => KvBlock.Tokens * channels * sizeof(float);

    public override void Encode(float* keys, int channels, int tokens, byte* block) => NativeMemory.Copy(keys, block, (nuint)Bytes(channels));

    public override void Decode(byte* block, int channels, float* keys) => NativeMemory.Copy(block, keys, (nuint)Bytes(channels));

    public override void Scores(byte* block, int channels, float* queries, int rows, float* scores, int scoresStride, byte* next) =>
        kernels.Multiply(queries, channels, (float*)block, rows, channels, KvBlock.Tokens, scores, scoresStride, accumulate: false);
}

/// <summary>Values in float32, as they came.</summary>
internal sealed unsafe class FloatValues(AttentionKernels kernels) : ValueCodec
{
    public override string Name => "f32";

    public override int Bytes(int channels) => KvBlock.Tokens * channels * sizeof(float);

    public override void Encode(float* values, int channels, int tokens, byte* block) => NativeMemory.Copy(values, block, (nuint)Bytes(channels));

    public override void Decode(byte* block, int channels, float* values) => NativeMemory.Copy(block, values, (nuint)Bytes(channels));

    public override void Accumulate(byte* block, int channels, float* weights, int weightsStride, int rows, float* output, byte* next) =>
        kernels.Multiply(weights, weightsStride, (float*)block, rows, KvBlock.Tokens, channels, output, channels, accumulate: true);
}

/// <summary>Keys in float16, rounded to nearest even.</summary>
internal sealed unsafe class HalfKeys(AttentionKernels kernels) : KeyCodec
{
    public override string Name => "f16";

    public override int Bytes(int channels) => KvBlock.Tokens * channels * sizeof(ushort);

    public override void Encode(float* keys, int channels, int tokens, byte* block) => HalfRounding.Narrow(keys, block, KvBlock.Tokens * channels);

    public override void Decode(byte* block, int channels, float* keys) => kernels.Widen((ushort*)block, keys, KvBlock.Tokens * channels);

    public override void Scores(byte* block, int channels, float* queries, int rows, float* scores, int scoresStride, byte* next) =>
        kernels.MultiplyHalf(queries, channels, (ushort*)block, rows, channels, KvBlock.Tokens, scores, scoresStride, accumulate: false, next);
}

/// <summary>Values in float16, rounded to nearest even.</summary>
internal sealed unsafe class HalfValues(AttentionKernels kernels) : ValueCodec
{
    public override string Name => "f16";

    public override int Bytes(int channels) => KvBlock.Tokens * channels * sizeof(ushort);

    public override void Encode(float* values, int channels, int tokens, byte* block) => HalfRounding.Narrow(values, block, KvBlock.Tokens * channels);

    public override void Decode(byte* block, int channels, float* values) => kernels.Widen((ushort*)block, values, KvBlock.Tokens * channels);

    public override void Accumulate(byte* block, int channels, float* weights, int weightsStride, int rows, float* output, byte* next) =>
        kernels.MultiplyHalf(weights, weightsStride, (ushort*)block, rows, KvBlock.Tokens, channels, output, channels, accumulate: true, next);
}

/// <summary>
/// Rounding to float16. What it cannot hold becomes its largest finite number and NaN becomes zero, so that neither ever reaches a score; what
/// it would hold as a subnormal (below 2^-14) becomes zero, because reading one costs a vector unit some hundred cycles and its part in any sum is nothing.
/// </summary>
internal static unsafe class HalfRounding
{
    private const float Largest = 65504, SmallestNormal = 6.103515625e-5f;

    public static void Narrow(float* source, byte* destination, int count)
    {
        float* chunk = stackalloc float[256];
        for (int start = 0; start < count; start += 256)
        {
            int length = Math.Min(256, count - start);
            var kept = new Span<float>(chunk, length);
            TensorPrimitives.Clamp(new ReadOnlySpan<float>(source + start, length), -Largest, Largest, kept);
            FlushToZero(kept);
            TensorPrimitives.ConvertToHalf(kept, new Span<Half>((Half*)destination + start, length));
        }
    }

    private static void FlushToZero(Span<float> values)
    {
        Span<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        foreach (ref Vector<float> vector in vectors)
            vector = Vector.ConditionalSelect(Vector.GreaterThanOrEqual(Vector.Abs(vector), new Vector<float>(SmallestNormal)), vector, Vector<float>.Zero);
        foreach (ref float value in values[(vectors.Length * Vector<float>.Count)..])
            if (!(MathF.Abs(value) >= SmallestNormal)) value = 0;
    }
}
