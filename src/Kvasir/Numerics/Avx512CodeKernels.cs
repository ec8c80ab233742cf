using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>
/// The same products with whole numbers: the folded left side is rounded to int8 per row and panel, and meets the codes as they are packed,
/// four steps of k in every 32-bit lane (u8 x s8 dot products of AVX-512 BW). What rounding takes from x s is multiplied by the middle code
/// h in floats, so that only the distance of the codes from the middle is lost: sum of q step c + x m + (x s - q step) h.
/// <paramref name="floats"/> does what does not fit (codes of 8 bits, odd head sizes) and is the kernel for reference maths.
/// </summary>
internal sealed unsafe class Avx512CodeKernels(CodeKernels floats) : CodeKernels
{
    private const int MostRows = 4, Lanes = QuantizedPanel.Lanes, FoldedBytes = 8192;

    public override void Multiply(in QuantizedRun strip)
    {
        if (strip.Format.Bits == 8 || strip.Inner % Lanes != 0)
        {
            floats.Multiply(strip);
            return;
        }
        for (int row = 0; row < strip.Rows; row += MostRows)
            switch (strip.Format.Bits)
            {
                case 2: Rows<C2>(strip.From(row)); break;
                case 3: Rows<C3>(strip.From(row)); break;
                default: Rows<C4>(strip.From(row)); break;
            }
    }

    public override void Decode(byte* panel, byte* sets, int inner, QuantizedFormat format, float* destination, int stride) =>
        floats.Decode(panel, sets, inner, format, destination, stride);

    private static void Rows<TBits>(in QuantizedRun strip) where TBits : IConstant
    {
        switch (strip.Rows)
        {
            case 1: Tile<TBits, C1>(strip); break;
            case 2: Tile<TBits, C2>(strip); break;
            case 3: Tile<TBits, C3>(strip); break;
            default: Tile<TBits, C4>(strip); break;
        }
    }

    /// <summary>
    /// Some blocks are folded first and then multiplied: their folds overlap, and no product waits for what was stored just before.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TBits, TRows>(in QuantizedRun strip) where TBits : IConstant where TRows : IConstant
    {
        int inner = strip.Inner, parts = strip.Parts, pieces = parts * strip.Panels, scaleBits = strip.Format.ScaleBits,
            setBytes = strip.SetBytes, setOffset = strip.SetOffset, panelBytes = strip.PanelBytes, panelOffset = strip.PanelOffset;
        int piece = (TBits.Value == 3 ? 2 : 1) * TRows.Value * inner, side = pieces * piece, endsSide = 4 + 4 * pieces,
            together = Math.Clamp(FoldedBytes / side, 1, strip.Count);
        float* work = stackalloc float[pieces * (MostRows * Lanes + TRows.Value * inner)], ends = stackalloc float[together * endsSide];
        sbyte* folded = stackalloc sbyte[together * side];
        for (int first = 0; first < strip.Count; first += together)
        {
            int end = Math.Min(strip.Count, first + together);
            for (int b = first; b < end; b++)
                Fold<TBits, TRows>(strip.Left + b * strip.LeftStep, strip.LeftStride, strip.Block(b) + setOffset, setBytes, scaleBits,
                    inner, pieces, work, work + pieces * MostRows * Lanes, folded + (b - first) * side, ends + (b - first) * endsSide);
            for (int b = first; b < end; b++)
            {
                for (int i = 0; i < strip.NextBytes; i += QuantizedPanel.LineBytes) Sse.Prefetch0(strip.Next[b] + i);
                float* steps = ends + (b - first) * endsSide;
                Product<TBits, TRows>(folded + (b - first) * side, piece, parts, inner, strip.Block(b) + panelOffset, panelBytes,
                    strip.Panels, steps, strip.Result + b * strip.ResultStep, strip.ResultStride, strip.Accumulates);
            }
        }
    }

    /// <summary>
    /// Folds the scales of all pieces (sets) into the rows and rounds each row to int8, in the order in which the lanes of the planes take
    /// it. <paramref name="ends"/> gets the rows' steps, then for each piece their sums of x m + (x s - q step) h.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fold<TBits, TRows>(float* left, int leftStride, byte* set, int setBytes, int scaleBits, int inner, int pieces,
        float* sums, float* folded, sbyte* quads, float* ends) where TBits : IConstant where TRows : IConstant
    {
        Vector512<float> zero = Vector512<float>.Zero, m0 = zero, m1 = zero, m2 = zero, m3 = zero;
        nint row = inner;
        float middleCode = ((1 << TBits.Value) - 1) / 2f;
        float* y = folded;
        for (int p = 0; p < pieces; p++, set += setBytes, y += (TRows.Value - 1) * row)
        {
            Vector512<float> b0 = zero, b1 = zero, b2 = zero, b3 = zero;
            var scales = new ScaleReader(set, inner, scaleBits);
            for (int k = 0; k < inner; k += Lanes, y += Lanes)
            {
                scales.Read<Simd512, Vector512<float>>(k, out Vector512<float> scale, out Vector512<float> minimum);
                // Codes count from their middle: what rounding a row to int8 takes away then is least.
                Vector512<float> middle = Vector512.MultiplyAddEstimate(scale, Vector512.Create(middleCode), minimum);
                float* x = left + k;
                Scale(x, scale, middle, y, ref b0, ref m0);
                if (TRows.Value > 1) Scale(x + leftStride, scale, middle, y + row, ref b1, ref m1);
                if (TRows.Value > 2) Scale(x + 2 * leftStride, scale, middle, y + 2 * row, ref b2, ref m2);
                if (TRows.Value > 3) Scale(x + 3 * leftStride, scale, middle, y + 3 * row, ref b3, ref m3);
            }
            float* sum = sums + p * MostRows * Lanes;
            b0.Store(sum);
            if (TRows.Value > 1) b1.Store(sum + Lanes);
            if (TRows.Value > 2) b2.Store(sum + 2 * Lanes);
            if (TRows.Value > 3) b3.Store(sum + 3 * Lanes);
        }
        // A row of zeros gets a tiny step instead of a division by 0.
        Vector128<float> most = Vector128.MaxNative(Largest(m0, m1, m2, m3), Vector128.Create(1e-30f)),
            step = most * Vector128.Create(1f / sbyte.MaxValue);
        step.Store(ends);
        Vector128<float> inverse = Vector128.Create((float)sbyte.MaxValue) / most, taken = step * Vector128.Create(-middleCode);
        Vector512<float> f0 = Vector512.Create(inverse[0]), f1 = Vector512.Create(inverse[1]), f2 = Vector512.Create(inverse[2]),
            f3 = Vector512.Create(inverse[3]);
        Vector512<float> t0 = Vector512.Create(taken[0]), t1 = Vector512.Create(taken[1]), t2 = Vector512.Create(taken[2]),
            t3 = Vector512.Create(taken[3]);
        for (int p = 0; p < pieces; p++, folded += (TRows.Value - 1) * row,
            quads += (TBits.Value == 3 ? 2 * TRows.Value - 1 : TRows.Value - 1) * row)
        {
            float* sum = sums + p * MostRows * Lanes;
            Vector512<float> b0 = Vector512.Load(sum), b1 = TRows.Value > 1 ? Vector512.Load(sum + Lanes) : zero, b2 = TRows.Value > 2
                ? Vector512.Load(sum + 2 * Lanes) : zero, b3 = TRows.Value > 3 ? Vector512.Load(sum + 3 * Lanes) : zero;
            for (nint k = 0; k < row; k += Lanes, folded += Lanes, quads += Lanes)
            {
                b0 = Vector512.MultiplyAddEstimate(Round<TBits>(folded, f0, quads, TRows.Value * row), t0, b0);
                if (TRows.Value > 1)
                    b1 = Vector512.MultiplyAddEstimate(Round<TBits>(folded + row, f1, quads + row, TRows.Value * row), t1, b1);
                if (TRows.Value > 2)
                    b2 = Vector512.MultiplyAddEstimate(Round<TBits>(folded + 2 * row, f2, quads + 2 * row, TRows.Value * row), t2, b2);
                if (TRows.Value > 3)
                    b3 = Vector512.MultiplyAddEstimate(Round<TBits>(folded + 3 * row, f3, quads + 3 * row, TRows.Value * row), t3, b3);
            }
            Simd512.Sums(b0, b1, b2, b3).Store(ends + 4 + 4 * p);
        }
    }

    /// <summary>Sixteen int8 for the plane of codes or low bits, and <paramref name="plane"/> further on for that of high bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Round<TBits>(float* folded, Vector512<float> factor, sbyte* quads, nint plane) where TBits : IConstant
    {
        Vector512<int> rounded = Avx512F.ConvertToVector512Int32(Vector512.Load(folded) * factor);
        Vector128<sbyte> codes = Avx512F.ConvertToVector128SByteWithSaturation(rounded);
        // A line of 2-bit codes gives the even ones of eight steps of k before the odd ones, one of high bits every fourth of sixteen.
        if (TBits.Value == 4) codes.Store(quads);
        else Vector128.Shuffle(codes, Vector128.Create((sbyte)0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15)).Store(quads);
        if (TBits.Value == 3)
            Vector128.Shuffle(codes, Vector128.Create((sbyte)0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)).Store(quads + plane);
        return Vector512.ConvertToSingle(rounded);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(
        float* left, Vector512<float> scale, Vector512<float> middle, float* folded, ref Vector512<float> bias, ref Vector512<float> most)
    {
        Vector512<float> x = Vector512.Load(left), y = x * scale;
        y.Store(folded);
        bias = Vector512.MultiplyAddEstimate(x, middle, bias);
        most = Vector512.MaxNative(most, Vector512.Abs(y));
    }

    /// <summary>
    /// Sums of u8 x s8 products in 16 bits, as many lines at a time as surely fit, and these in 32 bits. A line of 4-bit codes holds four
    /// steps of k; one of 2 bits eight, first those with even, then those with odd numbers; one of high bits, which count four, sixteen.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Product<TBits, TRows>(sbyte* low, int piece, int parts, int inner, byte* panel, int panelBytes, int panels,
        float* steps, float* result, int resultStride, bool accumulate) where TBits : IConstant where TRows : IConstant
    {
        float* lowBias = steps + 4;
        for (int p = 0; p < panels; p++, panel += panelBytes, low += parts * piece, lowBias += 4 * parts, result += QuantizedPanel.Columns)
            Product<TBits, TRows>(low, low + (parts - 1) * piece, inner, panel, steps, lowBias, lowBias + 4 * (parts - 1), result,
                resultStride, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Product<TBits, TRows>(sbyte* low, sbyte* high, int inner, byte* panel, float* steps, float* lowBias,
        float* highBias, float* result, int resultStride, bool accumulate) where TBits : IConstant where TRows : IConstant
    {
        Vector512<int> s0 = Vector512<int>.Zero, s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
        nint row = inner;
        for (nint k = 0; k < inner;)
        {
            Vector512<short> a0 = Vector512<short>.Zero, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
            // So many steps surely fit 16 bits: 8 lines add pairs of at most 2 * 15 * 127 (4 bits), 16 lines two of at most 2 * 3 * 127.
            for (nint end = Math.Min(inner, k + (TBits.Value == 4 ? 32 : 128)); k < end; panel += QuantizedPanel.LineBytes)
            {
                Vector512<ushort> line = Vector512.Load((ushort*)panel);
                Vector512<byte> mask = Vector512.Create((byte)(TBits.Value == 4 ? 15 : 3)), l = line.AsByte() & mask,
                    h = (TBits.Value == 4 ? line >>> 4 : line >>> 2).AsByte() & mask;
                sbyte* x = low + k, y = high + k;
                a0 += Dot(l, x); b0 += Dot(h, y);
                if (TRows.Value > 1) { a1 += Dot(l, x + row); b1 += Dot(h, y + row); }
                if (TRows.Value > 2) { a2 += Dot(l, x + 2 * row); b2 += Dot(h, y + 2 * row); }
                if (TRows.Value > 3) { a3 += Dot(l, x + 3 * row); b3 += Dot(h, y + 3 * row); }
                k += 4;
                if (TBits.Value == 4) continue;
                l = (line >>> 4).AsByte() & mask;
                h = (line >>> 6).AsByte() & mask;
                a0 += Dot(l, x + 4); b0 += Dot(h, y + 4);
                if (TRows.Value > 1) { a1 += Dot(l, x + row + 4); b1 += Dot(h, y + row + 4); }
                if (TRows.Value > 2) { a2 += Dot(l, x + 2 * row + 4); b2 += Dot(h, y + 2 * row + 4); }
                if (TRows.Value > 3) { a3 += Dot(l, x + 3 * row + 4); b3 += Dot(h, y + 3 * row + 4); }
                k += 4;
            }
            s0 += Widen(a0, 1); t0 += Widen(b0, 1);
            if (TRows.Value > 1) { s1 += Widen(a1, 1); t1 += Widen(b1, 1); }
            if (TRows.Value > 2) { s2 += Widen(a2, 1); t2 += Widen(b2, 1); }
            if (TRows.Value > 3) { s3 += Widen(a3, 1); t3 += Widen(b3, 1); }
        }
        for (nint k = TBits.Value == 3 ? 0 : inner; k < inner;)
        {
            Vector512<short> a0 = Vector512<short>.Zero, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
            // 128 pairs of at most 2 * 127: 32,512.
            for (nint end = Math.Min(inner, k + 512); k < end; panel += QuantizedPanel.LineBytes)
            {
                Vector512<ushort> line = Vector512.Load((ushort*)panel);
                for (nint next = k + 16; k < next; k += 4, line >>>= 2)
                {
                    Vector512<byte> mask = Vector512.Create((byte)1), l = line.AsByte() & mask, h = (line >>> 1).AsByte() & mask;
                    sbyte* x = low + TRows.Value * row + k, y = high + TRows.Value * row + k;
                    a0 += Dot(l, x); b0 += Dot(h, y);
                    if (TRows.Value > 1) { a1 += Dot(l, x + row); b1 += Dot(h, y + row); }
                    if (TRows.Value > 2) { a2 += Dot(l, x + 2 * row); b2 += Dot(h, y + 2 * row); }
                    if (TRows.Value > 3) { a3 += Dot(l, x + 3 * row); b3 += Dot(h, y + 3 * row); }
                }
            }
            s0 += Widen(a0, 4); t0 += Widen(b0, 4);
            if (TRows.Value > 1) { s1 += Widen(a1, 4); t1 += Widen(b1, 4); }
            if (TRows.Value > 2) { s2 += Widen(a2, 4); t2 += Widen(b2, 4); }
            if (TRows.Value > 3) { s3 += Widen(a3, 4); t3 += Widen(b3, 4); }
        }
        Finish(s0, steps, lowBias, result, accumulate); Finish(t0, steps, highBias, result + Lanes, accumulate);
        if (TRows.Value > 1)
        {
            Finish(s1, steps + 1, lowBias + 1, result += resultStride, accumulate);
            Finish(t1, steps + 1, highBias + 1, result + Lanes, accumulate);
        }
        if (TRows.Value > 2)
        {
            Finish(s2, steps + 2, lowBias + 2, result += resultStride, accumulate);
            Finish(t2, steps + 2, highBias + 2, result + Lanes, accumulate);
        }
        if (TRows.Value > 3)
        {
            Finish(s3, steps + 3, lowBias + 3, result += resultStride, accumulate);
            Finish(t3, steps + 3, highBias + 3, result + Lanes, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Dot(Vector512<byte> codes, sbyte* quad) =>
        Avx512BW.MultiplyAddAdjacent(codes, Vector512.Create(*(int*)quad).AsSByte());

    /// <summary>Pairs of 16-bit sums added up in 32 bits, times a weight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Widen(Vector512<short> sums, short weight) =>
        Avx512BW.MultiplyAddAdjacent(sums, Vector512.Create(weight));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(Vector512<int> sums, float* step, float* bias, float* result, bool accumulate)
    {
        Vector512<float> start = Vector512.Create(*bias);
        if (accumulate) start += Vector512.Load(result);
        Vector512.MultiplyAddEstimate(Vector512.ConvertToSingle(sums), Vector512.Create(*step), start).Store(result);
    }

    /// <summary>The largest lanes of four vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Largest(
        Vector512<float> first, Vector512<float> second, Vector512<float> third, Vector512<float> fourth)
    {
        Vector128<float> a = Largest(first), b = Largest(second), c = Largest(third), d = Largest(fourth);
        // A transposition of four by four on the way: lane i of the result is the maximum of vector i.
        Vector128<float> ab = Vector128.MaxNative(Sse.UnpackLow(a, b), Sse.UnpackHigh(a, b)),
            cd = Vector128.MaxNative(Sse.UnpackLow(c, d), Sse.UnpackHigh(c, d));
        return Vector128.MaxNative(Sse.MoveLowToHigh(ab, cd), Sse.MoveHighToLow(cd, ab));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Largest(Vector512<float> x)
    {
        Vector256<float> eight = Vector256.MaxNative(x.GetLower(), x.GetUpper());
        return Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
    }
}
