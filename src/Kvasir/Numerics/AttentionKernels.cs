using System.Runtime.Intrinsics;

namespace Kvasir.Numerics;

/// <summary>The inner loops of attention, for one instruction set: products against a block of keys or values, online softmax.</summary>
internal abstract unsafe class AttentionKernels
{
    /// <summary>The kernels of a path; with <paramref name="exact"/> nothing is rounded to fewer bits than float32 on the way.</summary>
    public static AttentionKernels For(KernelPath path, bool exact = true) => path switch
    {
        KernelPath.Scalar => new AttentionKernels<SimdScalar, float>(),
        KernelPath.Vector128 or KernelPath.NeonDot => new AttentionKernels<Simd128, Vector128<float>>(),
        >= KernelPath.Avx512 => Of<Simd512, Vector512<float>, WholeNumbers512, Vector512<int>>(exact),
        _ => Of<Simd256, Vector256<float>, WholeNumbers256, Vector256<int>>(exact),
    };

    private static AttentionKernels<TSimd, TFloats> Of<TSimd, TFloats, TWhole, TInts>(bool exact) where TSimd : struct, ISimd<TFloats>
        where TFloats : struct where TWhole : struct, IWholeNumbers<TFloats, TInts> where TInts : struct =>
        new(exact ? null : new WholeNumberCodeKernels<TSimd, TFloats, TWhole, TInts>());

    /// <summary>
    /// result[r, n] (=, or += with <paramref name="accumulate"/>) sum over k of left[r, k] right[k, n]; left [rows, inner], right
    /// [inner, columns] float32 without gaps, result [rows, columns]. With keys (inner = channels, columns = 32 tokens) it gives scores;
    /// with values (inner = tokens, columns = channels) the weighted sum. As many bytes as the right side has are fetched from
    /// <paramref name="ahead"/> meanwhile, where it is given: what will be read next lies on other pages, where the hardware does not
    /// look ahead.
    /// </summary>
    public abstract void Multiply(
        FloatRows left, float* right, int rows, int inner, int columns, FloatRows result, bool accumulate, byte* ahead = null);

    /// <summary>The same with a float16 right side.</summary>
    public abstract void MultiplyHalf(
        FloatRows left, ushort* right, int rows, int inner, int columns, FloatRows result, bool accumulate, byte* ahead);

    /// <summary>The same for quantised keys and values.</summary>
    public abstract CodeKernels Codes { get; }

    /// <summary>Products with keys that are rotated on the way.</summary>
    public abstract RotationKernels Rotations { get; }

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
internal sealed unsafe class AttentionKernels<TSimd, TVector>(CodeKernels? codes = null)
    : AttentionKernels where TSimd : struct, ISimd<TVector> where TVector : struct
{
    public override CodeKernels Codes { get; } = codes ?? new CodeKernels<TSimd, TVector>();

    public override RotationKernels Rotations { get; } = new RotationKernels<TSimd, TVector>();

    public override void Multiply(
        FloatRows left, float* right, int rows, int inner, int columns, FloatRows result, bool accumulate, byte* ahead = null) =>
        Multiply<SingleElement>(left, (byte*)right, rows, inner, columns, result, accumulate, ahead == null ? (byte*)right : ahead);

    public override void MultiplyHalf(
        FloatRows left, ushort* right, int rows, int inner, int columns, FloatRows result, bool accumulate, byte* ahead) =>
        Multiply<HalfElement>(left, (byte*)right, rows, inner, columns, result, accumulate, ahead);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Widen(ushort* source, float* destination, int count)
    {
        int i = 0;
        TVector factor = TSimd.Broadcast(HalfVectors.Factor(0));
        for (; i <= count - TSimd.Width; i += TSimd.Width) TSimd.Store(TSimd.LoadHalf(source + i, factor), destination + i);
        for (; i < count; i++) destination[i] = (float)BitConverter.UInt16BitsToHalf(source[i]);
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
        // No weight is above 1, so the exponential needs to be right for arguments up to 0 only.
        TVector shift = TSimd.Broadcast(-updated), total = TSimd.Broadcast(0);
        int i = 0;
        for (; i <= count - TSimd.Width; i += TSimd.Width)
        {
            TVector weight = VectorMath<TSimd, TVector>.ExpOfNegative(TSimd.Add(TSimd.Load(scores + i), shift));
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Highest(float* x, int count)
    {
        int i = 0;
        // Four maxima side by side: no comparison waits for the one before it.
        TVector a = TSimd.Broadcast(float.NegativeInfinity), b = a, c = a, d = a;
        for (; i <= count - 4 * TSimd.Width; i += 4 * TSimd.Width)
        {
            a = TSimd.Max(a, TSimd.Load(x + i));
            b = TSimd.Max(b, TSimd.Load(x + i + TSimd.Width));
            c = TSimd.Max(c, TSimd.Load(x + i + 2 * TSimd.Width));
            d = TSimd.Max(d, TSimd.Load(x + i + 3 * TSimd.Width));
        }
        for (; i <= count - TSimd.Width; i += TSimd.Width) a = TSimd.Max(a, TSimd.Load(x + i));
        float highest = TSimd.Highest(TSimd.Max(TSimd.Max(a, b), TSimd.Max(c, d)));
        for (; i < count; i++) highest = MathF.Max(highest, x[i]);
        return highest;
    }

    private static void Multiply<TElement>(
        FloatRows left, byte* right, int rows, int inner, int columns, FloatRows result, bool accumulate, byte* ahead)
        where TElement : IFloatElement
    {
        // Twelve sums fill the pipeline of 32 wide registers; with 16 registers eight are the most.
        int most = TSimd.Width == Vector512<float>.Count ? 6 : 4;
        for (int row = 0, count; row < rows; row += count, left = left.From(count), result = result.From(count))
        {
            count = Math.Min(rows - row, most);
            switch (count)
            {
                case 1: Tile<TElement, C1>(left, right, inner, columns, result, accumulate, ahead); break;
                case 2: Tile<TElement, C2>(left, right, inner, columns, result, accumulate, ahead); break;
                case 3: Tile<TElement, C3>(left, right, inner, columns, result, accumulate, ahead); break;
                case 4: Tile<TElement, C4>(left, right, inner, columns, result, accumulate, ahead); break;
                case 5: Tile<TElement, C5>(left, right, inner, columns, result, accumulate, ahead); break;
                default: Tile<TElement, C6>(left, right, inner, columns, result, accumulate, ahead); break;
            }
        }
    }

    /// <summary>Up to six rows by two vectors of columns in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TElement, TRows>(
        FloatRows leftRows, byte* right, int inner, int columns, FloatRows resultRows, bool accumulate, byte* ahead)
        where TElement : IFloatElement where TRows : IConstant
    {
        float* left = leftRows.First, result = resultRows.First;
        nint leftStride = (nint)leftRows.Stride, resultStride = (nint)resultRows.Stride;
        int n = 0, next = TSimd.Width;
        nint step = (nint)columns * TElement.Bytes, width = TSimd.Width * TElement.Bytes;
        TVector factor = TSimd.Broadcast(HalfVectors.Factor(0)), zero = TSimd.Broadcast(0);
        float* left1 = left + leftStride, left2 = left1 + leftStride, left3 = left2 + leftStride, left4 = left3 + leftStride, left5 = left4
            + leftStride;
        for (; n <= columns - 2 * TSimd.Width; n += 2 * TSimd.Width)
        {
            float* out0 = result + n, out1 = out0 + resultStride, out2 = out1 + resultStride, out3 = out2 + resultStride,
                out4 = out3 + resultStride, out5 = out4 + resultStride;
            TVector s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero, s40 = zero, s41 = zero,
                s50 = zero, s51 = zero;
            // What asks for TRows is decided when the instance is compiled: sums of rows that are not there cost nothing.
            if (accumulate)
            {
                s00 = TSimd.Load(out0); s01 = TSimd.Load(out0 + next);
                if (TRows.Value > 1) { s10 = TSimd.Load(out1); s11 = TSimd.Load(out1 + next); }
                if (TRows.Value > 2) { s20 = TSimd.Load(out2); s21 = TSimd.Load(out2 + next); }
                if (TRows.Value > 3) { s30 = TSimd.Load(out3); s31 = TSimd.Load(out3 + next); }
                if (TRows.Value > 4) { s40 = TSimd.Load(out4); s41 = TSimd.Load(out4 + next); }
                if (TRows.Value > 5) { s50 = TSimd.Load(out5); s51 = TSimd.Load(out5 + next); }
            }
            byte* source = right + n * TElement.Bytes;
            for (nint k = 0; k < inner; k++, source += step)
            {
                TVector low = TElement.Load<TSimd, TVector>(source, factor), high = TElement.Load<TSimd, TVector>(source + width, factor);
                // As many bytes as this row of the right side has: when the sums are done, what comes next is in the cache.
                TSimd.Prefetch(ahead);
                ahead += 2 * width;
                TVector x = TSimd.Broadcast(left[k]);
                s00 = TSimd.MultiplyAdd(x, low, s00); s01 = TSimd.MultiplyAdd(x, high, s01);
                if (TRows.Value > 1)
                {
                    x = TSimd.Broadcast(left1[k]);
                    s10 = TSimd.MultiplyAdd(x, low, s10); s11 = TSimd.MultiplyAdd(x, high, s11);
                }
                if (TRows.Value > 2)
                {
                    x = TSimd.Broadcast(left2[k]);
                    s20 = TSimd.MultiplyAdd(x, low, s20); s21 = TSimd.MultiplyAdd(x, high, s21);
                }
                if (TRows.Value > 3)
                {
                    x = TSimd.Broadcast(left3[k]);
                    s30 = TSimd.MultiplyAdd(x, low, s30); s31 = TSimd.MultiplyAdd(x, high, s31);
                }
                if (TRows.Value > 4)
                {
                    x = TSimd.Broadcast(left4[k]);
                    s40 = TSimd.MultiplyAdd(x, low, s40); s41 = TSimd.MultiplyAdd(x, high, s41);
                }
                if (TRows.Value > 5)
                {
                    x = TSimd.Broadcast(left5[k]);
                    s50 = TSimd.MultiplyAdd(x, low, s50); s51 = TSimd.MultiplyAdd(x, high, s51);
                }
            }
            TSimd.Store(s00, out0); TSimd.Store(s01, out0 + next);
            if (TRows.Value > 1) { TSimd.Store(s10, out1); TSimd.Store(s11, out1 + next); }
            if (TRows.Value > 2) { TSimd.Store(s20, out2); TSimd.Store(s21, out2 + next); }
            if (TRows.Value > 3) { TSimd.Store(s30, out3); TSimd.Store(s31, out3 + next); }
            if (TRows.Value > 4) { TSimd.Store(s40, out4); TSimd.Store(s41, out4 + next); }
            if (TRows.Value > 5) { TSimd.Store(s50, out5); TSimd.Store(s51, out5 + next); }
        }
        if (n < columns)
            for (int row = 0; row < TRows.Value; row++)
                RestOfRow<TElement>(left + row * leftStride, right, inner, columns, n, result + row * resultStride, accumulate);
    }

    /// <summary>Columns from <paramref name="n"/> on of one row, where the head size is no multiple of two vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RestOfRow<TElement>(
        float* left, byte* right, int inner, int columns, int n, float* result, bool accumulate) where TElement : IFloatElement
    {
        nint step = (nint)columns * TElement.Bytes;
        TVector factor = TSimd.Broadcast(HalfVectors.Factor(0));
        for (; n <= columns - TSimd.Width; n += TSimd.Width)
        {
            TVector sum = accumulate ? TSimd.Load(result + n) : TSimd.Broadcast(0);
            byte* source = right + n * TElement.Bytes;
            for (int k = 0; k < inner; k++, source += step)
                sum = TSimd.MultiplyAdd(TSimd.Broadcast(left[k]), TElement.Load<TSimd, TVector>(source, factor), sum);
            TSimd.Store(sum, result + n);
        }
        for (; n < columns; n++)
        {
            float sum = accumulate ? result[n] : 0;
            byte* source = right + n * TElement.Bytes;
            for (int k = 0; k < inner; k++, source += step)
                sum += left[k] * TElement.Load<SimdScalar, float>(source, HalfVectors.Factor(0));
            result[n] = sum;
        }
    }
}
