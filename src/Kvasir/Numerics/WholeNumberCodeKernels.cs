using System.Runtime.Intrinsics;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>
/// The same products with whole numbers: the folded left side is rounded to int8 per row and panel, and meets the codes as they are packed,
/// four steps of k in every 32-bit lane (u8 x s8 products of AVX2 and AVX-512 BW). What rounding takes from x s is multiplied by the middle
/// code h in floats, so that only the distance of the codes from the middle is lost: sum of q step c + x m + (x s - q step) h.
/// <see cref="CodeKernels{TSimd, TFloats}"/> does what does not fit: codes of 8 bits, odd head sizes.
/// </summary>
internal sealed unsafe class WholeNumberCodeKernels<TSimd, TFloats, TWhole, TInts> : CodeKernels
    where TSimd : struct, ISimd<TFloats> where TFloats : struct where TWhole : struct, IWholeNumbers<TFloats, TInts> where TInts : struct
{
    private const int MostRows = 4, Lanes = QuantizedPanel.Lanes, FoldedBytes = 8192;

    private readonly CodeKernels<TSimd, TFloats> _floats = new();

    public override void Multiply(in QuantizedRun strip)
    {
        if (strip.Format.Bits == 8 || strip.Inner % Lanes != 0)
        {
            _floats.Multiply(strip);
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
        _floats.Decode(panel, sets, inner, format, destination, stride);

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
        var places = new Places(strip);
        int pieces = places.Parts * places.Panels, side = pieces * PieceBytes<TBits, TRows>(places.Inner), endsSide = 4 + 4 * pieces,
            together = Math.Clamp(FoldedBytes / side, 1, strip.Count);
        float* work = stackalloc float[pieces * (MostRows * Lanes + TRows.Value * places.Inner)],
            ends = stackalloc float[together * endsSide];
        sbyte* folded = stackalloc sbyte[together * side];
        for (int first = 0; first < strip.Count; first += together)
        {
            int end = Math.Min(strip.Count, first + together);
            for (int b = first; b < end; b++)
                Fold<TBits, TRows>(strip, places, b, work, folded + (b - first) * side, ends + (b - first) * endsSide);
            for (int b = first; b < end; b++)
            {
                for (int i = 0; i < strip.NextBytes; i += QuantizedPanel.LineBytes) TSimd.Prefetch(strip.Next[b] + i);
                Product<TBits, TRows>(strip, places, b, folded + (b - first) * side, ends + (b - first) * endsSide);
            }
        }
    }

    /// <summary>Where the parts of a block lie, found out once for all blocks.</summary>
    private readonly struct Places(in QuantizedRun strip)
    {
        public readonly int Inner = strip.Inner, Parts = strip.Parts, Panels = strip.Panels, ScaleBits = strip.Format.ScaleBits,
            SetBytes = strip.SetBytes, SetOffset = strip.SetOffset, PanelBytes = strip.PanelBytes, PanelOffset = strip.PanelOffset;
    }

    /// <summary>Bytes of a piece of folded rows: codes or low bits, and of 3-bit codes the high bits in a plane of their own.</summary>
    private static int PieceBytes<TBits, TRows>(int inner) where TBits : IConstant where TRows : IConstant =>
        (TBits.Value == 3 ? 2 : 1) * TRows.Value * inner;

    /// <summary>
    /// Folds the scales of all pieces (sets) into the rows and rounds each row to int8, in the order in which the lanes of the planes take
    /// it. <paramref name="work"/> has room for the sums and the folded rows of all pieces, <paramref name="ends"/> gets the rows' steps,
    /// then for each piece their sums of x m + (x s - q step) h.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fold<TBits, TRows>(in QuantizedRun strip, in Places places, int block, float* work, sbyte* quads, float* ends)
        where TBits : IConstant where TRows : IConstant
    {
        int inner = places.Inner, pieces = places.Parts * places.Panels, leftStride = strip.LeftStride, scaleBits = places.ScaleBits,
            setBytes = places.SetBytes;
        float* left = strip.Left + block * strip.LeftStep, sums = work, folded = work + pieces * MostRows * Lanes;
        byte* set = strip.Block(block) + places.SetOffset;
        TFloats zero = TSimd.Broadcast(0), m0 = zero, m1 = zero, m2 = zero, m3 = zero;
        nint row = inner;
        float middleCode = ((1 << TBits.Value) - 1) / 2f;
        float* y = folded;
        for (int p = 0; p < pieces; p++, set += setBytes, y += (TRows.Value - 1) * row)
        {
            TFloats b0 = zero, b1 = zero, b2 = zero, b3 = zero;
            var scales = new ScaleReader(set, inner, scaleBits);
            for (int k = 0; k < inner; k += TSimd.Width, y += TSimd.Width)
            {
                scales.Read<TSimd, TFloats>(k, out TFloats scale, out TFloats minimum);
                // Codes count from their middle: what rounding a row to int8 takes away then is least.
                TFloats middle = TSimd.MultiplyAdd(scale, TSimd.Broadcast(middleCode), minimum);
                float* x = left + k;
                Scale(x, scale, middle, y, ref b0, ref m0);
                if (TRows.Value > 1) Scale(x + leftStride, scale, middle, y + row, ref b1, ref m1);
                if (TRows.Value > 2) Scale(x + 2 * leftStride, scale, middle, y + 2 * row, ref b2, ref m2);
                if (TRows.Value > 3) Scale(x + 3 * leftStride, scale, middle, y + 3 * row, ref b3, ref m3);
            }
            float* sum = sums + p * MostRows * Lanes;
            TSimd.Store(b0, sum);
            if (TRows.Value > 1) TSimd.Store(b1, sum + Lanes);
            if (TRows.Value > 2) TSimd.Store(b2, sum + 2 * Lanes);
            if (TRows.Value > 3) TSimd.Store(b3, sum + 3 * Lanes);
        }
        // A row of zeros gets a tiny step instead of a division by 0.
        Vector128<float> most = Vector128.MaxNative(TWhole.Largest(m0, m1, m2, m3), Vector128.Create(1e-30f)),
            step = most * Vector128.Create(1f / sbyte.MaxValue);
        step.Store(ends);
        Vector128<float> inverse = Vector128.Create((float)sbyte.MaxValue) / most, taken = step * Vector128.Create(-middleCode);
        TFloats f0 = TSimd.Broadcast(inverse[0]), f1 = TSimd.Broadcast(inverse[1]), f2 = TSimd.Broadcast(inverse[2]),
            f3 = TSimd.Broadcast(inverse[3]);
        TFloats t0 = TSimd.Broadcast(taken[0]), t1 = TSimd.Broadcast(taken[1]), t2 = TSimd.Broadcast(taken[2]),
            t3 = TSimd.Broadcast(taken[3]);
        for (int p = 0; p < pieces; p++, folded += (TRows.Value - 1) * row,
            quads += (TBits.Value == 3 ? 2 * TRows.Value - 1 : TRows.Value - 1) * row)
        {
            float* sum = sums + p * MostRows * Lanes;
            TFloats b0 = TSimd.Load(sum), b1 = TRows.Value > 1 ? TSimd.Load(sum + Lanes) : zero,
                b2 = TRows.Value > 2 ? TSimd.Load(sum + 2 * Lanes) : zero, b3 = TRows.Value > 3 ? TSimd.Load(sum + 3 * Lanes) : zero;
            nint plane = TRows.Value * row;
            for (nint k = 0; k < row; k += Lanes, folded += Lanes, quads += Lanes)
            {
                Store<TBits>(TWhole.Round(folded, f0, t0, ref b0), quads, plane);
                if (TRows.Value > 1) Store<TBits>(TWhole.Round(folded + row, f1, t1, ref b1), quads + row, plane);
                if (TRows.Value > 2) Store<TBits>(TWhole.Round(folded + 2 * row, f2, t2, ref b2), quads + 2 * row, plane);
                if (TRows.Value > 3) Store<TBits>(TWhole.Round(folded + 3 * row, f3, t3, ref b3), quads + 3 * row, plane);
            }
            TSimd.Sums(b0, b1, b2, b3).Store(ends + 4 + 4 * p);
        }
    }

    /// <summary>Sixteen int8 for the plane of codes or low bits, and <paramref name="plane"/> further on for that of high bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TBits>(Vector128<sbyte> rounded, sbyte* quads, nint plane) where TBits : IConstant
    {
        // A line of 2-bit codes gives the even ones of eight steps of k before the odd ones, one of high bits every fourth of sixteen.
        if (TBits.Value == 4) rounded.Store(quads);
        else Vector128.Shuffle(rounded, Vector128.Create((sbyte)0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15)).Store(quads);
        if (TBits.Value == 3)
            Vector128.Shuffle(rounded, Vector128.Create((sbyte)0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)).Store(quads + plane);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(float* left, TFloats scale, TFloats middle, float* folded, ref TFloats bias, ref TFloats most)
    {
        TFloats x = TSimd.Load(left), y = TSimd.Multiply(x, scale);
        TSimd.Store(y, folded);
        bias = TSimd.MultiplyAdd(x, middle, bias);
        most = TSimd.Max(most, TWhole.Abs(y));
    }

    /// <summary>
    /// Sums of u8 x s8 products in 16 bits, as many lines at a time as surely fit, and these in 32 bits. A line of 4-bit codes holds four
    /// steps of k; one of 2 bits eight, first those with even, then those with odd numbers; one of high bits, which count four, sixteen.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Product<TBits, TRows>(in QuantizedRun strip, in Places places, int block, sbyte* folded, float* ends)
        where TBits : IConstant where TRows : IConstant
    {
        int parts = places.Parts, panels = places.Panels, panelBytes = places.PanelBytes, piece = PieceBytes<TBits, TRows>(places.Inner);
        byte* panel = strip.Block(block) + places.PanelOffset;
        float* bias = ends + 4, result = strip.Result + block * strip.ResultStep;
        for (int p = 0; p < panels; p++, panel += panelBytes, folded += parts * piece, bias += 4 * parts, result += QuantizedPanel.Columns)
            Product<TBits, TRows>(
                new Folded(folded, folded + (parts - 1) * piece, bias, bias + 4 * (parts - 1)), places.Inner, panel, ends,
                new FloatRows(result, strip.ResultStride), strip.Accumulates);
    }

    /// <summary>The rows that meet the low and the high half of a panel's columns, and their sums of what is not in the products.</summary>
    private readonly struct Folded(sbyte* low, sbyte* high, float* lowBias, float* highBias)
    {
        public readonly sbyte* Low = low, High = high;
        public readonly float* LowBias = lowBias, HighBias = highBias;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Product<TBits, TRows>(
        Folded folded, int inner, byte* panel, float* steps, FloatRows results, bool accumulate)
        where TBits : IConstant where TRows : IConstant
    {
        sbyte* low = folded.Low, high = folded.High;
        float* lowBias = folded.LowBias, highBias = folded.HighBias, result = results.First;
        nint row = inner, resultStride = (nint)results.Stride;
        byte mask = TBits.Value == 4 ? (byte)15 : (byte)3; // of 3 bits the low two
        for (int lane = 0; lane < Lanes; lane += TWhole.Width, panel += TWhole.Width * sizeof(int), result += TWhole.Width)
        {
            TInts s0 = TWhole.Zero, s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
            byte* words = panel;
            for (nint k = 0; k < inner;)
            {
                TInts a0 = TWhole.Zero, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
                // So many steps surely fit 16 bits: 8 lines add pairs of at most 2 * 15 * 127 (4 bits), 16 lines two of at most
                // 2 * 3 * 127.
                for (nint end = Math.Min(inner, k + (TBits.Value == 4 ? 32 : 128)); k < end; words += QuantizedPanel.LineBytes)
                {
                    TInts line = TWhole.Load(words), l = TWhole.Masked(line, mask),
                        h = TWhole.Masked(TBits.Value == 4 ? TWhole.ShiftRight<C4>(line) : TWhole.ShiftRight<C2>(line), mask);
                    sbyte* x = low + k, y = high + k;
                    Add<TRows>(l, x, row, ref a0, ref a1, ref a2, ref a3);
                    Add<TRows>(h, y, row, ref b0, ref b1, ref b2, ref b3);
                    k += 4;
                    if (TBits.Value == 4) continue;
                    l = TWhole.Masked(TWhole.ShiftRight<C4>(line), mask);
                    h = TWhole.Masked(TWhole.ShiftRight<C6>(line), mask);
                    Add<TRows>(l, x + 4, row, ref a0, ref a1, ref a2, ref a3);
                    Add<TRows>(h, y + 4, row, ref b0, ref b1, ref b2, ref b3);
                    k += 4;
                }
                AddPairs<TRows>(1, a0, a1, a2, a3, ref s0, ref s1, ref s2, ref s3);
                AddPairs<TRows>(1, b0, b1, b2, b3, ref t0, ref t1, ref t2, ref t3);
            }
            for (nint k = TBits.Value == 3 ? 0 : inner; k < inner;)
            {
                TInts a0 = TWhole.Zero, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
                // 128 pairs of at most 2 * 127: 32,512.
                for (nint end = Math.Min(inner, k + 512); k < end; words += QuantizedPanel.LineBytes)
                {
                    TInts line = TWhole.Load(words);
                    for (nint next = k + 16; k < next; k += 4, line = TWhole.ShiftRight<C2>(line))
                    {
                        TInts l = TWhole.Masked(line, 1), h = TWhole.Masked(TWhole.ShiftRight<C1>(line), 1);
                        Add<TRows>(l, low + TRows.Value * row + k, row, ref a0, ref a1, ref a2, ref a3);
                        Add<TRows>(h, high + TRows.Value * row + k, row, ref b0, ref b1, ref b2, ref b3);
                    }
                }
                AddPairs<TRows>(4, a0, a1, a2, a3, ref s0, ref s1, ref s2, ref s3);
                AddPairs<TRows>(4, b0, b1, b2, b3, ref t0, ref t1, ref t2, ref t3);
            }
            float* out1 = result + resultStride, out2 = out1 + resultStride, out3 = out2 + resultStride;
            Finish(s0, t0, steps, lowBias, highBias, result, accumulate);
            if (TRows.Value > 1) Finish(s1, t1, steps + 1, lowBias + 1, highBias + 1, out1, accumulate);
            if (TRows.Value > 2) Finish(s2, t2, steps + 2, lowBias + 2, highBias + 2, out2, accumulate);
            if (TRows.Value > 3) Finish(s3, t3, steps + 3, lowBias + 3, highBias + 3, out3, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(TInts low, TInts high, float* step, float* lowBias, float* highBias, float* result, bool accumulate)
    {
        TWhole.Finish(low, *step, *lowBias, result, accumulate);
        TWhole.Finish(high, *step, *highBias, result + Lanes, accumulate);
    }

    /// <summary>Adds the products of codes with every row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TRows>(TInts codes, sbyte* quad, nint row, ref TInts sum0, ref TInts sum1, ref TInts sum2, ref TInts sum3)
        where TRows : IConstant
    {
        sum0 = TWhole.AddProducts(sum0, codes, quad);
        if (TRows.Value > 1) sum1 = TWhole.AddProducts(sum1, codes, quad + row);
        if (TRows.Value > 2) sum2 = TWhole.AddProducts(sum2, codes, quad + 2 * row);
        if (TRows.Value > 3) sum3 = TWhole.AddProducts(sum3, codes, quad + 3 * row);
    }

    /// <summary>The sums are registers, and so parameters: in a struct of more than four fields they would be memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddPairs<TRows>(short weight, TInts pairs0, TInts pairs1, TInts pairs2, TInts pairs3, ref TInts sum0,
        ref TInts sum1, ref TInts sum2, ref TInts sum3) where TRows : IConstant
    {
        sum0 = TWhole.AddPairs(sum0, pairs0, weight);
        if (TRows.Value > 1) sum1 = TWhole.AddPairs(sum1, pairs1, weight);
        if (TRows.Value > 2) sum2 = TWhole.AddPairs(sum2, pairs2, weight);
        if (TRows.Value > 3) sum3 = TWhole.AddPairs(sum3, pairs3, weight);
    }
}
