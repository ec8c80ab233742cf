using System.Runtime.CompilerServices;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>
/// Products with quantised keys and values straight from their codes. With value = scale * code + minimum, the scales are folded into the
/// left side once per group and the minima become one number per row: sum of x (s c + m) = sum of (x s) c + sum of x m. Nothing is rounded on the way.
/// </summary>
internal abstract unsafe class CodeKernels
{
    /// <summary>Rows that one pass over the codes serves.</summary>
    public const int RowsOfPass = 6;

    /// <summary>
    /// folded[r, k] = left[r, k] scales[k] and bias[r] = sum over k of left[r, k] minima[k]; the strides count floats, and rows of
    /// <paramref name="folded"/> have <see cref="CodePanel.Padded"/> floats, zero from <paramref name="inner"/> on.
    /// </summary>
    public abstract void Fold(float* left, int leftStride, int rows, int inner, float* scales, float* minima, float* folded, float* bias);

    /// <summary>
    /// result[r, n] = bias[r] + sum over k of folded[r, k] code[k, n] for the panel's 32 columns, or that added to the result. Columns 0..15 take
    /// <paramref name="low"/> and <paramref name="lowBias"/>, columns 16..31 <paramref name="high"/> and <paramref name="highBias"/>; at most <see cref="RowsOfPass"/> rows.
    /// </summary>
    public abstract void Multiply(float* low, float* lowBias, float* high, float* highBias, byte* panel, int bits, int rows, int inner, float* result, int resultStride, bool accumulate);

    /// <summary>
    /// destination[k, n] = code[k, n] * scale + minimum, rounded after each step; 32 columns with a row stride, columns 0..15 with
    /// scales and minima [k], columns 16..31 with those that lie <paramref name="second"/> floats further on.
    /// </summary>
    public abstract void Decode(byte* panel, int bits, int inner, float* scales, float* minima, int second, float* destination, int stride);

    /// <summary>Reads a set that <see cref="GroupScales.Write"/> wrote.</summary>
    public abstract void ReadScales(byte* set, int groups, int scaleBits, float* scales, float* minima);

    /// <summary>Asks for <paramref name="bytes"/> from an address that need not be valid.</summary>
    public abstract void Prefetch(byte* address, int bytes);
}

/// <inheritdoc/>
internal sealed unsafe class CodeKernels<TSimd, TVector>(AttentionKernels floats) : CodeKernels where TSimd : struct, ISimd<TVector> where TVector : struct
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Fold(float* left, int leftStride, int rows, int inner, float* scales, float* minima, float* folded, float* bias)
    {
        int padded = CodePanel.Padded(inner);
        for (int r = 0; r < rows; r++, left += leftStride, folded += padded)
        {
            TVector sum = TSimd.Broadcast(0);
            int k = 0;
            for (; k <= inner - TSimd.Width; k += TSimd.Width)
            {
                TVector x = TSimd.Load(left + k);
                TSimd.Store(TSimd.Multiply(x, TSimd.Load(scales + k)), folded + k);
                sum = TSimd.MultiplyAdd(x, TSimd.Load(minima + k), sum);
            }
            float total = TSimd.Sum(sum);
            for (; k < inner; k++)
            {
                folded[k] = left[k] * scales[k];
                total += left[k] * minima[k];
            }
            for (; k < padded; k++) folded[k] = 0;
            bias[r] = total;
        }
    }

    public override void Multiply(float* low, float* lowBias, float* high, float* highBias, byte* panel, int bits, int rows, int inner, float* result, int resultStride, bool accumulate)
    {
        switch (bits)
        {
            case 2: Multiply<C2>(low, lowBias, high, highBias, panel, rows, inner, result, resultStride, accumulate); break;
            case 3: Multiply<C3>(low, lowBias, high, highBias, panel, rows, inner, result, resultStride, accumulate); break;
            case 4: Multiply<C4>(low, lowBias, high, highBias, panel, rows, inner, result, resultStride, accumulate); break;
            default: Multiply<C8>(low, lowBias, high, highBias, panel, rows, inner, result, resultStride, accumulate); break;
        }
    }

    public override void Decode(byte* panel, int bits, int inner, float* scales, float* minima, int second, float* destination, int stride)
    {
        switch (bits)
        {
            case 2: Decode<C2>(panel, inner, scales, minima, second, destination, stride); break;
            case 3: Decode<C3>(panel, inner, scales, minima, second, destination, stride); break;
            case 4: Decode<C4>(panel, inner, scales, minima, second, destination, stride); break;
            default: Decode<C8>(panel, inner, scales, minima, second, destination, stride); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ReadScales(byte* set, int groups, int scaleBits, float* scales, float* minima)
    {
        switch (scaleBits)
        {
            case 8:
                for (int start = 0; start < groups; start += GroupScales.Run)
                {
                    int count = Math.Min(GroupScales.Run, groups - start);
                    byte* codes = set + GroupScales.RunHeader;
                    ReadBytes(codes, count, (ushort*)set, scales + start);
                    ReadBytes(codes + count, count, (ushort*)set + 2, minima + start);
                    set = codes + 2 * count;
                }
                break;
            case 16:
                floats.Widen((ushort*)set, scales, groups);
                floats.Widen((ushort*)set + groups, minima, groups);
                break;
            default:
                Buffer.MemoryCopy(set, scales, groups * sizeof(float), groups * sizeof(float));
                Buffer.MemoryCopy((float*)set + groups, minima, groups * sizeof(float), groups * sizeof(float));
                break;
        }
    }

    public override void Prefetch(byte* address, int bytes)
    {
        for (int i = 0; i < bytes; i += 64) TSimd.Prefetch(address + i);
    }

    private static void ReadBytes(byte* codes, int count, ushort* baseAndStep, float* values)
    {
        float start = (float)BitConverter.UInt16BitsToHalf(baseAndStep[0]), step = (float)BitConverter.UInt16BitsToHalf(baseAndStep[1]);
        TVector starts = TSimd.Broadcast(start), steps = TSimd.Broadcast(step);
        int i = 0;
        for (; i <= count - TSimd.Width; i += TSimd.Width) TSimd.Store(TSimd.Add(TSimd.Multiply(TSimd.LoadBytes(codes + i), steps), starts), values + i);
        for (; i < count; i++) values[i] = codes[i] * step + start;
    }

    private static void Multiply<TBits>(float* low, float* lowBias, float* high, float* highBias, byte* panel, int rows, int inner, float* result, int resultStride, bool accumulate) where TBits : IConstant
    {
        switch (rows)
        {
            case 1: Pass<TBits, C1>(low, lowBias, high, highBias, panel, inner, result, resultStride, accumulate); break;
            case 2: Pass<TBits, C2>(low, lowBias, high, highBias, panel, inner, result, resultStride, accumulate); break;
            case 3: Pass<TBits, C3>(low, lowBias, high, highBias, panel, inner, result, resultStride, accumulate); break;
            case 4: Pass<TBits, C4>(low, lowBias, high, highBias, panel, inner, result, resultStride, accumulate); break;
            case 5: Pass<TBits, C5>(low, lowBias, high, highBias, panel, inner, result, resultStride, accumulate); break;
            default: Pass<TBits, C6>(low, lowBias, high, highBias, panel, inner, result, resultStride, accumulate); break;
        }
    }

    /// <summary>Rows by two vectors of columns in registers, for as many lanes as a vector has at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pass<TBits, TRows>(float* low, float* lowBias, float* high, float* highBias, byte* panel, int inner, float* result, int resultStride, bool accumulate) where TBits : IConstant where TRows : IConstant
    {
        int padded = CodePanel.Padded(inner);
        bool planes = TBits.Value == 3;
        float* planeOfHighBits = (float*)(panel + CodePanel.Bytes(inner, 2));
        TVector table = TSimd.CodeTable<TBits>();
        for (int lane = 0; lane < CodePanel.Lanes; lane += TSimd.Width)
        {
            float* out0 = result + lane, out1 = out0 + resultStride, out2 = out1 + resultStride, out3 = out2 + resultStride, out4 = out3 + resultStride, out5 = out4 + resultStride;
            TVector s00 = Start(lowBias, out0, accumulate), s01 = Start(highBias, out0 + CodePanel.Lanes, accumulate), s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00, s40 = s00, s41 = s00, s50 = s00, s51 = s00;
            if (TRows.Value > 1) { s10 = Start(lowBias + 1, out1, accumulate); s11 = Start(highBias + 1, out1 + CodePanel.Lanes, accumulate); }
            if (TRows.Value > 2) { s20 = Start(lowBias + 2, out2, accumulate); s21 = Start(highBias + 2, out2 + CodePanel.Lanes, accumulate); }
            if (TRows.Value > 3) { s30 = Start(lowBias + 3, out3, accumulate); s31 = Start(highBias + 3, out3 + CodePanel.Lanes, accumulate); }
            if (TRows.Value > 4) { s40 = Start(lowBias + 4, out4, accumulate); s41 = Start(highBias + 4, out4 + CodePanel.Lanes, accumulate); }
            if (TRows.Value > 5) { s50 = Start(lowBias + 5, out5, accumulate); s51 = Start(highBias + 5, out5 + CodePanel.Lanes, accumulate); }
            float* line = (float*)panel + lane, highBits = planeOfHighBits + lane;
            TVector highWords = table;
            for (int k = 0; k < inner; line += CodePanel.Lanes)
            {
                TVector words = TSimd.Load(line);
                if (planes && k % 16 == 0)
                {
                    highWords = TSimd.Load(highBits);
                    highBits += CodePanel.Lanes;
                }
                for (int end = k + (planes ? 8 : 16 / TBits.Value); k < end; k++)
                {
                    TVector left = TakeCodes<TBits>(ref words, ref highWords, table), right = TakeCodes<TBits>(ref words, ref highWords, table);
                    float* x = low + k, y = high + k;
                    s00 = TSimd.MultiplyAdd(TSimd.Broadcast(*x), left, s00); s01 = TSimd.MultiplyAdd(TSimd.Broadcast(*y), right, s01);
                    if (TRows.Value > 1) { x += padded; y += padded; s10 = TSimd.MultiplyAdd(TSimd.Broadcast(*x), left, s10); s11 = TSimd.MultiplyAdd(TSimd.Broadcast(*y), right, s11); }
                    if (TRows.Value > 2) { x += padded; y += padded; s20 = TSimd.MultiplyAdd(TSimd.Broadcast(*x), left, s20); s21 = TSimd.MultiplyAdd(TSimd.Broadcast(*y), right, s21); }
                    if (TRows.Value > 3) { x += padded; y += padded; s30 = TSimd.MultiplyAdd(TSimd.Broadcast(*x), left, s30); s31 = TSimd.MultiplyAdd(TSimd.Broadcast(*y), right, s31); }
                    if (TRows.Value > 4) { x += padded; y += padded; s40 = TSimd.MultiplyAdd(TSimd.Broadcast(*x), left, s40); s41 = TSimd.MultiplyAdd(TSimd.Broadcast(*y), right, s41); }
                    if (TRows.Value > 5) { x += padded; y += padded; s50 = TSimd.MultiplyAdd(TSimd.Broadcast(*x), left, s50); s51 = TSimd.MultiplyAdd(TSimd.Broadcast(*y), right, s51); }
                }
            }
            TSimd.Store(s00, out0); TSimd.Store(s01, out0 + CodePanel.Lanes);
            if (TRows.Value > 1) { TSimd.Store(s10, out1); TSimd.Store(s11, out1 + CodePanel.Lanes); }
            if (TRows.Value > 2) { TSimd.Store(s20, out2); TSimd.Store(s21, out2 + CodePanel.Lanes); }
            if (TRows.Value > 3) { TSimd.Store(s30, out3); TSimd.Store(s31, out3 + CodePanel.Lanes); }
            if (TRows.Value > 4) { TSimd.Store(s40, out4); TSimd.Store(s41, out4 + CodePanel.Lanes); }
            if (TRows.Value > 5) { TSimd.Store(s50, out5); TSimd.Store(s51, out5 + CodePanel.Lanes); }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Decode<TBits>(byte* panel, int inner, float* scales, float* minima, int second, float* destination, int stride) where TBits : IConstant
    {
        bool planes = TBits.Value == 3;
        float* planeOfHighBits = (float*)(panel + CodePanel.Bytes(inner, 2));
        TVector table = TSimd.CodeTable<TBits>();
        for (int lane = 0; lane < CodePanel.Lanes; lane += TSimd.Width)
        {
            float* line = (float*)panel + lane, highBits = planeOfHighBits + lane, row = destination + lane;
            TVector highWords = table;
            for (int k = 0; k < inner; line += CodePanel.Lanes)
            {
                TVector words = TSimd.Load(line);
                if (planes && k % 16 == 0)
                {
                    highWords = TSimd.Load(highBits);
                    highBits += CodePanel.Lanes;
                }
                for (int end = Math.Min(inner, k + (planes ? 8 : 16 / TBits.Value)); k < end; k++, row += stride)
                {
                    TVector left = TakeCodes<TBits>(ref words, ref highWords, table), right = TakeCodes<TBits>(ref words, ref highWords, table);
                    TSimd.Store(TSimd.Add(TSimd.Multiply(left, TSimd.Broadcast(scales[k])), TSimd.Broadcast(minima[k])), row);
                    TSimd.Store(TSimd.Add(TSimd.Multiply(right, TSimd.Broadcast(scales[k + second])), TSimd.Broadcast(minima[k + second])), row + CodePanel.Lanes);
                }
            }
        }
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
    private static TVector Start(float* bias, float* result, bool accumulate)
    {
        TVector start = TSimd.Broadcast(*bias);
        return accumulate ? TSimd.Add(start, TSimd.Load(result)) : start;
    }
}
