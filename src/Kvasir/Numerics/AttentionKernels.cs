using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Kvasir.Numerics;

/// <summary>The inner loops of attention, for one instruction set: small products against a block of keys or values, and the online softmax.</summary>
internal abstract unsafe class AttentionKernels
{
    public static AttentionKernels For(KernelPath path) => path switch
    {
        KernelPath.Scalar => new AttentionKernels<SimdScalar, float>(),
        KernelPath.Vector128 => new AttentionKernels<Simd128, Vector128<float>>(),
        KernelPath.Avx512 => new AttentionKernels<Simd512, Vector512<float>>(),
        _ => new AttentionKernels<Simd256, Vector256<float>>(),
    };

    /// <summary>
    /// result[r, n] (=, or += with <paramref name="accumulate"/>) sum over k of left[r, k] right[k, n]; left [rows, inner] with stride <paramref name="leftStride"/>,
    /// right [inner, columns] float32 without gaps, result [rows, columns] with stride <paramref name="resultStride"/>.
    /// With keys (inner = channels, columns = 32 tokens) it gives scores; with values (inner = tokens, columns = channels) the weighted sum.
    /// </summary>
    public abstract void Multiply(float* left, int leftStride, float* right, int rows, int inner, int columns, float* result, int resultStride, bool accumulate);

    /// <summary>The same with a float16 right side.</summary>
    public abstract void MultiplyHalf(float* left, int leftStride, ushort* right, int rows, int inner, int columns, float* result, int resultStride, bool accumulate);

    /// <summary>Float16 to float32.</summary>
    public abstract void Widen(ushort* source, float* destination, int count);

    /// <summary>
    /// One step of the online softmax (Milakov and Gimelshein 2018) over new scores of one row, which become weights e^(score - maximum).
    /// The running maximum and sum are brought up to date; what was accumulated before must be multiplied by the returned factor.
    /// Scores of minus infinity count for nothing.
    /// </summary>
    public abstract float Softmax(float* scores, int count, ref float maximum, ref float sum);

    /// <summary>x *= factor.</summary>
    public abstract void Scale(float* x, int count, float factor);
}

/// <inheritdoc/>
internal sealed unsafe class AttentionKernels<TSimd, TVector> : AttentionKernels where TSimd : struct, ISimd<TVector> where TVector : struct
{
    public override void Multiply(float* left, int leftStride, float* right, int rows, int inner, int columns, float* result, int resultStride, bool accumulate) =>
        Multiply<Single>(left, leftStride, (byte*)right, rows, inner, columns, result, resultStride, accumulate);

    public override void MultiplyHalf(float* left, int leftStride, ushort* right, int rows, int inner, int columns, float* result, int resultStride, bool accumulate) =>
        Multiply<Half>(left, leftStride, (byte*)right, rows, inner, columns, result, resultStride, accumulate);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Widen(ushort* source, float* destination, int count)
    {
        int i = 0;
        for (; i <= count - TSimd.Width; i += TSimd.Width) TSimd.Store(TSimd.LoadHalf(source + i), destination + i);
        for (; i < count; i++) destination[i] = Half.LoadOne((byte*)(source + i));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override float Softmax(float* scores, int count, ref float maximum, ref float sum)
    {
        float highest = Highest(scores, count);
        if (highest == float.NegativeInfinity)
        {
            new Span<float>(scores, count).Clear();
            return 1;
        }
        float updated = MathF.Max(maximum, highest);
        float factor = maximum == updated ? 1 : MathF.Exp(maximum - updated);
        TVector shift = TSimd.Broadcast(-updated), total = TSimd.Broadcast(0);
        int i = 0;
        for (; i <= count - TSimd.Width; i += TSimd.Width)
        {
            TVector weight = VectorMath<TSimd, TVector>.Exp(TSimd.Add(TSimd.Load(scores + i), shift));
            TSimd.Store(weight, scores + i);
            total = TSimd.Add(total, weight);
        }
        float added = TSimd.Sum(total);
        for (; i < count; i++) added += scores[i] = MathF.Exp(scores[i] - updated);
        sum = sum * factor + added;
        maximum = updated;
        return factor;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Scale(float* x, int count, float factor)
    {
        int i = 0;
        TVector scale = TSimd.Broadcast(factor);
        for (; i <= count - TSimd.Width; i += TSimd.Width) TSimd.Store(TSimd.Multiply(TSimd.Load(x + i), scale), x + i);
        for (; i < count; i++) x[i] *= factor;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Highest(float* x, int count)
    {
        float highest = float.NegativeInfinity;
        int i = 0;
        if (count >= TSimd.Width)
        {
            TVector vector = TSimd.Load(x);
            for (i = TSimd.Width; i <= count - TSimd.Width; i += TSimd.Width) vector = TSimd.Max(vector, TSimd.Load(x + i));
            float* lanes = stackalloc float[TSimd.Width];
            TSimd.Store(vector, lanes);
            for (int lane = 0; lane < TSimd.Width; lane++) highest = MathF.Max(highest, lanes[lane]);
        }
        for (; i < count; i++) highest = MathF.Max(highest, x[i]);
        return highest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<TElement>(float* left, int leftStride, byte* right, int rows, int inner, int columns, float* result, int resultStride, bool accumulate) where TElement : struct, IElement
    {
        int row = 0;
        for (; rows - row >= 4; row += 4) FourRows<TElement>(left + row * leftStride, leftStride, right, inner, columns, result + row * resultStride, resultStride, accumulate);
        if (rows - row == 3) ThreeRows<TElement>(left + row * leftStride, leftStride, right, inner, columns, result + row * resultStride, resultStride, accumulate);
        else for (; row < rows; row++) OneRow<TElement>(left + row * leftStride, right, inner, columns, result + row * resultStride, accumulate);
    }

    /// <summary>Eight accumulators: four rows by two vectors of columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows<TElement>(float* left, int leftStride, byte* right, int inner, int columns, float* result, int resultStride, bool accumulate) where TElement : struct, IElement
    {
        int step = columns * TElement.Size, n = 0;
        float* left1 = left + leftStride, left2 = left1 + leftStride, left3 = left2 + leftStride;
        for (; n <= columns - 2 * TSimd.Width; n += 2 * TSimd.Width)
        {
            float* out0 = result + n, out1 = out0 + resultStride, out2 = out1 + resultStride, out3 = out2 + resultStride;
            TVector a0 = Start(out0, accumulate), a1 = Start(out1, accumulate), a2 = Start(out2, accumulate), a3 = Start(out3, accumulate);
            TVector b0 = Start(out0 + TSimd.Width, accumulate), b1 = Start(out1 + TSimd.Width, accumulate), b2 = Start(out2 + TSimd.Width, accumulate), b3 = Start(out3 + TSimd.Width, accumulate);
            byte* source = right + n * TElement.Size;
            for (int k = 0; k < inner; k++, source += step)
            {
                TVector low = TElement.Load(source), high = TElement.Load(source + TSimd.Width * TElement.Size);
                TVector x = TSimd.Broadcast(left[k]);
                a0 = TSimd.MultiplyAdd(x, low, a0);
                b0 = TSimd.MultiplyAdd(x, high, b0);
                x = TSimd.Broadcast(left1[k]);
                a1 = TSimd.MultiplyAdd(x, low, a1);
                b1 = TSimd.MultiplyAdd(x, high, b1);
                x = TSimd.Broadcast(left2[k]);
                a2 = TSimd.MultiplyAdd(x, low, a2);
                b2 = TSimd.MultiplyAdd(x, high, b2);
                x = TSimd.Broadcast(left3[k]);
                a3 = TSimd.MultiplyAdd(x, low, a3);
                b3 = TSimd.MultiplyAdd(x, high, b3);
            }
            TSimd.Store(a0, out0);
            TSimd.Store(b0, out0 + TSimd.Width);
            TSimd.Store(a1, out1);
            TSimd.Store(b1, out1 + TSimd.Width);
            TSimd.Store(a2, out2);
            TSimd.Store(b2, out2 + TSimd.Width);
            TSimd.Store(a3, out3);
            TSimd.Store(b3, out3 + TSimd.Width);
        }
        if (n < columns)
            for (int row = 0; row < 4; row++) RestOfRow<TElement>(left + row * leftStride, right, inner, columns, n, result + row * resultStride, accumulate);
    }

    /// <summary>Three rows, the group of many small models, by two vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ThreeRows<TElement>(float* left, int leftStride, byte* right, int inner, int columns, float* result, int resultStride, bool accumulate) where TElement : struct, IElement
    {
        int step = columns * TElement.Size, n = 0;
        float* left1 = left + leftStride, left2 = left1 + leftStride;
        for (; n <= columns - 2 * TSimd.Width; n += 2 * TSimd.Width)
        {
            float* out0 = result + n, out1 = out0 + resultStride, out2 = out1 + resultStride;
            TVector a0 = Start(out0, accumulate), a1 = Start(out1, accumulate), a2 = Start(out2, accumulate);
            TVector b0 = Start(out0 + TSimd.Width, accumulate), b1 = Start(out1 + TSimd.Width, accumulate), b2 = Start(out2 + TSimd.Width, accumulate);
            byte* source = right + n * TElement.Size;
            for (int k = 0; k < inner; k++, source += step)
            {
                TVector low = TElement.Load(source), high = TElement.Load(source + TSimd.Width * TElement.Size);
                TVector x = TSimd.Broadcast(left[k]);
                a0 = TSimd.MultiplyAdd(x, low, a0);
                b0 = TSimd.MultiplyAdd(x, high, b0);
                x = TSimd.Broadcast(left1[k]);
                a1 = TSimd.MultiplyAdd(x, low, a1);
                b1 = TSimd.MultiplyAdd(x, high, b1);
                x = TSimd.Broadcast(left2[k]);
                a2 = TSimd.MultiplyAdd(x, low, a2);
                b2 = TSimd.MultiplyAdd(x, high, b2);
            }
            TSimd.Store(a0, out0);
            TSimd.Store(b0, out0 + TSimd.Width);
            TSimd.Store(a1, out1);
            TSimd.Store(b1, out1 + TSimd.Width);
            TSimd.Store(a2, out2);
            TSimd.Store(b2, out2 + TSimd.Width);
        }
        if (n < columns)
            for (int row = 0; row < 3; row++) RestOfRow<TElement>(left + row * leftStride, right, inner, columns, n, result + row * resultStride, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow<TElement>(float* left, byte* right, int inner, int columns, float* result, bool accumulate) where TElement : struct, IElement =>
        RestOfRow<TElement>(left, right, inner, columns, 0, result, accumulate);

    /// <summary>Columns from <paramref name="n"/> on of one row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RestOfRow<TElement>(float* left, byte* right, int inner, int columns, int n, float* result, bool accumulate) where TElement : struct, IElement
    {
        int step = columns * TElement.Size;
        for (; n <= columns - 2 * TSimd.Width; n += 2 * TSimd.Width)
        {
            TVector low = Start(result + n, accumulate), high = Start(result + n + TSimd.Width, accumulate);
            byte* source = right + n * TElement.Size;
            for (int k = 0; k < inner; k++, source += step)
            {
                TVector x = TSimd.Broadcast(left[k]);
                low = TSimd.MultiplyAdd(x, TElement.Load(source), low);
                high = TSimd.MultiplyAdd(x, TElement.Load(source + TSimd.Width * TElement.Size), high);
            }
            TSimd.Store(low, result + n);
            TSimd.Store(high, result + n + TSimd.Width);
        }
        for (; n <= columns - TSimd.Width; n += TSimd.Width)
        {
            TVector sum = Start(result + n, accumulate);
            byte* source = right + n * TElement.Size;
            for (int k = 0; k < inner; k++, source += step) sum = TSimd.MultiplyAdd(TSimd.Broadcast(left[k]), TElement.Load(source), sum);
            TSimd.Store(sum, result + n);
        }
        for (; n < columns; n++)
        {
            float sum = accumulate ? result[n] : 0;
            for (int k = 0; k < inner; k++) sum += left[k] * TElement.LoadOne(right + k * step + n * TElement.Size);
            result[n] = sum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Start(float* result, bool accumulate) => accumulate ? TSimd.Load(result) : TSimd.Broadcast(0);

    private interface IElement
    {
        static abstract int Size { get; }

        static abstract TVector Load(byte* source);

        static abstract float LoadOne(byte* source);
    }

    private readonly struct Single : IElement
    {
        public static int Size => sizeof(float);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Load(byte* source) => TSimd.Load((float*)source);

        public static float LoadOne(byte* source) => *(float*)source;
    }

    private readonly struct Half : IElement
    {
        public static int Size => sizeof(ushort);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Load(byte* source) => TSimd.LoadHalf((ushort*)source);

        public static float LoadOne(byte* source) => (float)BitConverter.UInt16BitsToHalf(*(ushort*)source);
    }
}
