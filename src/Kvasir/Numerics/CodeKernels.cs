using System.Runtime.Intrinsics;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>
/// Products with quantised keys and values straight from their codes. With value = scale * code + minimum, the scales are folded into the
/// left side once per group and the minima become one number per row: sum of x (s c + m) = sum of (x s) c + sum of x m. Nothing is rounded
/// to fewer bits on the way.
/// </summary>
internal abstract unsafe class CodeKernels
{
    /// <summary>
    /// result[r, n] (=, or += where the strip adds up) sum over k of left[r, k] value[k, n] for the wanted panels
    /// (<see cref="QuantizedPanel"/>) of a strip.
    /// </summary>
    public abstract void Multiply(in QuantizedRun strip);

    /// <summary>destination[k, n] = code[k, n] * scale + minimum, rounded after each step; 32 columns with a row stride.</summary>
    public abstract void Decode(byte* panel, byte* sets, int inner, QuantizedFormat format, float* destination, int stride);
}

/// <inheritdoc/>
internal sealed unsafe class CodeKernels<TSimd, TVector> : CodeKernels where TSimd : struct, ISimd<TVector> where TVector : struct
{
    private const int MostRows = 6, BiasStride = 16, FoldedFloats = 4096;

    public override void Multiply(in QuantizedRun strip)
    {
        for (int row = 0; row < strip.Rows; row += MostRows)
            switch (strip.Format.Bits)
            {
                case 2: Rows<C2>(strip.From(row)); break;
                case 3: Rows<C3>(strip.From(row)); break;
                case 4: Rows<C4>(strip.From(row)); break;
                default: Rows<C8>(strip.From(row)); break;
            }
    }

    public override void Decode(byte* panel, byte* sets, int inner, QuantizedFormat format, float* destination, int stride)
    {
        switch (format.Bits)
        {
            case 2: Decode<C2>(panel, sets, inner, format, destination, stride); break;
            case 3: Decode<C3>(panel, sets, inner, format, destination, stride); break;
            case 4: Decode<C4>(panel, sets, inner, format, destination, stride); break;
            default: Decode<C8>(panel, sets, inner, format, destination, stride); break;
        }
    }

    private static void Rows<TBits>(in QuantizedRun strip) where TBits : IConstant
    {
        switch (strip.Rows)
        {
            case 1: Tile<TBits, C1>(strip); break;
            case 2: Tile<TBits, C2>(strip); break;
            case 3: Tile<TBits, C3>(strip); break;
            case 4: Tile<TBits, C4>(strip); break;
            case 5: Tile<TBits, C5>(strip); break;
            default: Tile<TBits, C6>(strip); break;
        }
    }

    /// <summary>
    /// Some blocks are folded first and then multiplied: their folds overlap, and no product waits for what was stored just before.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TBits, TRows>(in QuantizedRun strip) where TBits : IConstant where TRows : IConstant
    {
        int inner = strip.Inner, parts = strip.Parts, pieces = parts * strip.Panels, setBytes = strip.SetBytes, setOffset = strip.SetOffset,
            panelBytes = strip.PanelBytes, panelOffset = strip.PanelOffset;
        // As many blocks as keep their folds in the nearest cache.
        int side = TRows.Value * QuantizedPanel.Padded(inner) + BiasStride,
            together = Math.Clamp(FoldedFloats / (pieces * side), 1, strip.Count);
        float* folded = stackalloc float[together * pieces * side];
        for (int first = 0; first < strip.Count; first += together)
        {
            int end = Math.Min(strip.Count, first + together);
            float* fold = folded;
            for (int b = first; b < end; b++)
            {
                byte* set = strip.Block(b) + setOffset;
                for (int p = 0; p < pieces; p++, fold += side, set += setBytes)
                    Fold<TRows>(strip.Left + b * strip.LeftStep, strip.LeftStride, inner, set, strip.Format.ScaleBits, fold + BiasStride,
                        fold);
            }
            fold = folded;
            for (int b = first; b < end; b++)
            {
                byte* panel = strip.Block(b) + panelOffset;
                float* result = strip.Result + b * strip.ResultStep;
                for (int i = 0; i < strip.NextBytes; i += QuantizedPanel.LineBytes) TSimd.Prefetch(strip.Next[b] + i);
                for (int p = 0; p < strip.Panels; p++, fold += parts * side, panel += panelBytes, result += QuantizedPanel.Columns)
                    Product<TBits, TRows>(fold, fold + (parts - 1) * side, inner, panel, result, strip.ResultStride, strip.Accumulates);
            }
        }
    }

    /// <summary>
    /// Rows by two vectors of columns in registers, for as many lanes as a vector has at a time. Up to three rows take two steps of k at
    /// once, so that enough sums are under way.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Product<TBits, TRows>(
        float* lowBias, float* highBias, int inner, byte* panel, float* result, int resultStride, bool accumulate) where TBits
        : IConstant where TRows : IConstant
    {
        nint padded = QuantizedPanel.Padded(inner);
        bool planes = TBits.Value == 3;
        // Codes of 3 bits lie in two planes: their low two bits, then their third, of which a line serves sixteen steps of k.
        float* planeOfHighBits = (float*)(panel + QuantizedPanel.PlaneBytes(inner, 2));
        TVector table = TSimd.CodeTable<TBits>();
        for (int lane = 0; lane < QuantizedPanel.Lanes; lane += TSimd.Width)
        {
            float* out0 = result + lane, out1 = out0 + resultStride, out2 = out1 + resultStride, out3 = out2 + resultStride,
                out4 = out3 + resultStride, out5 = out4 + resultStride;
            TVector zero = TSimd.Broadcast(0), s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero,
                s31 = zero, s40 = zero, s41 = zero, s50 = zero, s51 = zero;
            float* line = (float*)panel + lane, highBits = planeOfHighBits + lane, x = lowBias + BiasStride, y = highBias + BiasStride;
            TVector highWords = table;
            for (int k = 0; k < inner; k += QuantizedPanel.RowsOfLine(planes ? 2 : TBits.Value), line += QuantizedPanel.Lanes)
            {
                TVector words = TSimd.Load(line);
                if (planes && k % 16 == 0)
                {
                    highWords = TSimd.Load(highBits);
                    highBits += QuantizedPanel.Lanes;
                }
                for (int step = 0; step < QuantizedPanel.RowsOfLine(planes ? 2 : TBits.Value); step += TRows.Value <= 3 ? 2 : 1)
                {
                    // A word holds the codes of several steps of k for a left and a right column; taking two shifts the next ones down.
                    TVector l = TakeCodes<TBits>(ref words, ref highWords, table), r = TakeCodes<TBits>(ref words, ref highWords, table);
                    s00 = TSimd.MultiplyAdd(TSimd.Broadcast(*x), l, s00); s01 = TSimd.MultiplyAdd(TSimd.Broadcast(*y), r, s01);
                    if (TRows.Value > 1)
                    {
                        s10 = TSimd.MultiplyAdd(TSimd.Broadcast(x[padded]), l, s10);
                        s11 = TSimd.MultiplyAdd(TSimd.Broadcast(y[padded]), r, s11);
                    }
                    if (TRows.Value > 2)
                    {
                        s20 = TSimd.MultiplyAdd(TSimd.Broadcast(x[2 * padded]), l, s20);
                        s21 = TSimd.MultiplyAdd(TSimd.Broadcast(y[2 * padded]), r, s21);
                    }
                    if (TRows.Value > 3)
                    {
                        s30 = TSimd.MultiplyAdd(TSimd.Broadcast(x[3 * padded]), l, s30);
                        s31 = TSimd.MultiplyAdd(TSimd.Broadcast(y[3 * padded]), r, s31);
                        if (TRows.Value > 4)
                        {
                            s40 = TSimd.MultiplyAdd(TSimd.Broadcast(x[4 * padded]), l, s40);
                            s41 = TSimd.MultiplyAdd(TSimd.Broadcast(y[4 * padded]), r, s41);
                        }
                        if (TRows.Value > 5)
                        {
                            s50 = TSimd.MultiplyAdd(TSimd.Broadcast(x[5 * padded]), l, s50);
                            s51 = TSimd.MultiplyAdd(TSimd.Broadcast(y[5 * padded]), r, s51);
                        }
                        x++;
                        y++;
                        continue;
                    }
                    l = TakeCodes<TBits>(ref words, ref highWords, table);
                    r = TakeCodes<TBits>(ref words, ref highWords, table);
                    s30 = TSimd.MultiplyAdd(TSimd.Broadcast(x[1]), l, s30); s31 = TSimd.MultiplyAdd(TSimd.Broadcast(y[1]), r, s31);
                    if (TRows.Value > 1)
                    {
                        s40 = TSimd.MultiplyAdd(TSimd.Broadcast(x[padded + 1]), l, s40);
                        s41 = TSimd.MultiplyAdd(TSimd.Broadcast(y[padded + 1]), r, s41);
                    }
                    if (TRows.Value > 2)
                    {
                        s50 = TSimd.MultiplyAdd(TSimd.Broadcast(x[2 * padded + 1]), l, s50);
                        s51 = TSimd.MultiplyAdd(TSimd.Broadcast(y[2 * padded + 1]), r, s51);
                    }
                    x += 2;
                    y += 2;
                }
            }
            // The sums of the odd steps.
            if (TRows.Value <= 3)
            {
                (s00, s01) = (TSimd.Add(s00, s30), TSimd.Add(s01, s31));
                if (TRows.Value > 1) (s10, s11) = (TSimd.Add(s10, s40), TSimd.Add(s11, s41));
                if (TRows.Value > 2) (s20, s21) = (TSimd.Add(s20, s50), TSimd.Add(s21, s51));
            }
            Finish(s00, lowBias, out0, accumulate); Finish(s01, highBias, out0 + QuantizedPanel.Lanes, accumulate);
            if (TRows.Value > 1)
            {
                Finish(s10, lowBias + 1, out1, accumulate);
                Finish(s11, highBias + 1, out1 + QuantizedPanel.Lanes, accumulate);
            }
            if (TRows.Value > 2)
            {
                Finish(s20, lowBias + 2, out2, accumulate);
                Finish(s21, highBias + 2, out2 + QuantizedPanel.Lanes, accumulate);
            }
            if (TRows.Value > 3)
            {
                Finish(s30, lowBias + 3, out3, accumulate);
                Finish(s31, highBias + 3, out3 + QuantizedPanel.Lanes, accumulate);
            }
            if (TRows.Value > 4)
            {
                Finish(s40, lowBias + 4, out4, accumulate);
                Finish(s41, highBias + 4, out4 + QuantizedPanel.Lanes, accumulate);
            }
            if (TRows.Value > 5)
            {
                Finish(s50, lowBias + 5, out5, accumulate);
                Finish(s51, highBias + 5, out5 + QuantizedPanel.Lanes, accumulate);
            }
        }
    }

    /// <summary>
    /// folded[r, k] = left[r, k] scale[k], zero from <paramref name="inner"/> on; bias[r] = sum over k of left[r, k] minimum[k].
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fold<TRows>(
        float* left, int leftStride, int inner, byte* set, int scaleBits, float* folded, float* bias) where TRows : IConstant
    {
        nint padded = QuantizedPanel.Padded(inner);
        TVector zero = TSimd.Broadcast(0), b0 = zero, b1 = zero, b2 = zero, b3 = zero, b4 = zero, b5 = zero;
        var reader = new ScaleReader(set, inner, scaleBits);
        nint k = 0;
        for (; k <= inner - TSimd.Width; k += TSimd.Width)
        {
            reader.Read<TSimd, TVector>((int)k, out TVector scale, out TVector minimum);
            float* x = left + k, y = folded + k;
            b0 = FoldVector(x, scale, minimum, y, b0);
            if (TRows.Value > 1) b1 = FoldVector(x + leftStride, scale, minimum, y + padded, b1);
            if (TRows.Value > 2) b2 = FoldVector(x + 2 * leftStride, scale, minimum, y + 2 * padded, b2);
            if (TRows.Value > 3) b3 = FoldVector(x + 3 * leftStride, scale, minimum, y + 3 * padded, b3);
            if (TRows.Value > 4) b4 = FoldVector(x + 4 * leftStride, scale, minimum, y + 4 * padded, b4);
            if (TRows.Value > 5) b5 = FoldVector(x + 5 * leftStride, scale, minimum, y + 5 * padded, b5);
        }
        TSimd.Sums(b0, b1, b2, b3).Store(bias);
        if (TRows.Value > 4) TSimd.Sums(b4, b5, zero, zero).Store(bias + 4);
        // The rest one by one, and zeros up to the padding, so that the products need no bounds.
        for (; k < padded; k++)
        {
            (float scale, float minimum) = k < inner ? reader.Read((int)k) : (0, 0);
            for (int r = 0; r < TRows.Value; r++)
            {
                float x = k < inner ? left[r * leftStride + k] : 0;
                folded[r * padded + k] = x * scale;
                bias[r] += x * minimum;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector FoldVector(float* left, TVector scale, TVector minimum, float* folded, TVector bias)
    {
        TVector x = TSimd.Load(left);
        TSimd.Store(TSimd.Multiply(x, scale), folded);
        return TSimd.MultiplyAdd(x, minimum, bias);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Decode<TBits>(
        byte* panel, byte* sets, int inner, QuantizedFormat format, float* destination, int stride) where TBits : IConstant
    {
        int parts = QuantizedPanel.Columns / format.Group, second = (parts - 1) * inner;
        float* scales = stackalloc float[2 * parts * inner], minima = scales + parts * inner;
        for (int p = 0; p < parts; p++)
            ReadAll(new ScaleReader(sets + p * GroupScales.Bytes(inner, format.ScaleBits), inner, format.ScaleBits), inner, scales
                + p * inner, minima + p * inner);
        bool planes = TBits.Value == 3;
        float* planeOfHighBits = (float*)(panel + QuantizedPanel.PlaneBytes(inner, 2));
        TVector table = TSimd.CodeTable<TBits>();
        for (int lane = 0; lane < QuantizedPanel.Lanes; lane += TSimd.Width)
        {
            float* line = (float*)panel + lane, highBits = planeOfHighBits + lane, row = destination + lane;
            TVector highWords = table;
            for (int k = 0; k < inner; line += QuantizedPanel.Lanes)
            {
                TVector words = TSimd.Load(line);
                if (planes && k % 16 == 0)
                {
                    highWords = TSimd.Load(highBits);
                    highBits += QuantizedPanel.Lanes;
                }
                for (int end = Math.Min(inner, k + QuantizedPanel.RowsOfLine(planes ? 2 : TBits.Value)); k < end; k++, row += stride)
                {
                    TVector l = TakeCodes<TBits>(ref words, ref highWords, table), r = TakeCodes<TBits>(ref words, ref highWords, table);
                    TSimd.Store(TSimd.Add(TSimd.Multiply(l, TSimd.Broadcast(scales[k])), TSimd.Broadcast(minima[k])), row);
                    TSimd.Store(TSimd.Add(TSimd.Multiply(r, TSimd.Broadcast(scales[k + second])), TSimd.Broadcast(minima[k + second])), row
                        + QuantizedPanel.Lanes);
                }
            }
        }
    }

    private static void ReadAll(ScaleReader reader, int groups, float* scales, float* minima)
    {
        int k = 0;
        for (; k <= groups - TSimd.Width; k += TSimd.Width)
        {
            reader.Read<TSimd, TVector>(k, out TVector scale, out TVector minimum);
            TSimd.Store(scale, scales + k);
            TSimd.Store(minimum, minima + k);
        }
        for (; k < groups; k++) (scales[k], minima[k]) = reader.Read(k);
    }

    /// <summary>The codes of the next half row; the words move on to the one after it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector TakeCodes<TBits>(ref TVector words, ref TVector highWords, TVector table) where TBits : IConstant
    {
        if (TBits.Value == 3)
        {
            TVector codes = TSimd.Codes<TBits>(TSimd.MergeBits(words, highWords), table);
            words = TSimd.ShiftRight<C2>(words);
            highWords = TSimd.ShiftRight<C1>(highWords);
            return codes;
        }
        TVector plain = TSimd.Codes<TBits>(words, table);
        words = TSimd.ShiftRight<TBits>(words);
        return plain;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(TVector sum, float* bias, float* result, bool accumulate)
    {
        sum = TSimd.Add(sum, TSimd.Broadcast(*bias));
        TSimd.Store(accumulate ? TSimd.Add(sum, TSimd.Load(result)) : sum, result);
    }
}
