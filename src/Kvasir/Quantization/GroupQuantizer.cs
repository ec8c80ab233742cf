using System.Runtime.Intrinsics;

namespace Kvasir.Quantization;

/// <summary>
/// Quantises a panel of floats by groups along its rows, exactly as KIVI defines it (see the formula in <see cref="Codes"/>):
/// minimum and scale of a group, then codes from the scale and minimum that a reader will see.
/// </summary>
internal static unsafe class GroupQuantizer
{
    /// <summary>Most rows of a panel.</summary>
    public const int MaxInner = 1024;

    /// <summary>What float32 scales are cut to: products with it, and sums of them, are still finite.</summary>
    private const float LargestSingle = 1e30f;

    /// <summary>
    /// Encodes [inner, columns] floats with a row stride; only the first <paramref name="rows"/> rows are real, others and columns up to 32
    /// are filled up with copies so that they widen no group. NaN counts as 0; what the format cannot hold is cut to its largest finite
    /// number.
    /// </summary>
    /// <param name="source">The floats.</param>
    /// <param name="stride">Floats between rows.</param>
    /// <param name="rows">Real rows, at least 1.</param>
    /// <param name="inner">Rows of the panel, at most <see cref="MaxInner"/>.</param>
    /// <param name="columns">Real columns, 1 to 32.</param>
    /// <param name="format">Bits, group and scale bits.</param>
    /// <param name="panel">Where the codes go: <see cref="QuantizedPanel.Bytes"/>.</param>
    /// <param name="sets">Where 32 / group sets of scales go, one behind the other.</param>
    [SkipLocalsInit]
    public static void Encode(float* source, int stride, int rows, int inner, int columns, QuantizedFormat format, byte* panel, byte* sets)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(inner, MaxInner);
        int parts = QuantizedPanel.Columns / format.Group, setBytes = GroupScales.Bytes(inner, format.ScaleBits);
        float* extremes = stackalloc float[4 * inner], scales = stackalloc float[2 * parts * inner];
        float* low = extremes, high = extremes + 2 * inner, minima = scales + parts * inner;
        float* row = stackalloc float[QuantizedPanel.Columns];
        float limit = format.ScaleBits == 32 ? LargestSingle : (float)Half.MaxValue;
        for (int k = 0; k < inner; k++)
        {
            (Vector512<float> left, Vector512<float> right) = Row(source, stride, rows, columns, format.Group, k, limit, row);
            if (parts == 1) Extremes(Vector512.MinNative(left, right), Vector512.MaxNative(left, right), low + k, high + k);
            else
            {
                Extremes(left, left, low + k, high + k);
                Extremes(right, right, low + inner + k, high + inner + k);
            }
        }
        for (int p = 0; p < parts; p++)
            GroupScales.Write(low + p * inner, high + p * inner, inner, format, sets + p * setBytes, scales + p * inner, minima
                + p * inner);
        new Span<byte>(panel, QuantizedPanel.Bytes(inner, format.Bits)).Clear();
        int second = (parts - 1) * inner;
        for (int k = 0; k < inner; k++)
        {
            (Vector512<float> left, Vector512<float> right) = Row(source, stride, rows, columns, format.Group, k, limit, row);
            QuantizedPanel.Pack(panel, inner, format.Bits, k, Codes(left, scales[k], minima[k], format.Levels),
                Codes(right, scales[second + k], minima[second + k], format.Levels));
        }
    }

    /// <summary>
    /// code = round to even of clamp((x - minimum) / scale, 0, levels): a true division, clamped before it is rounded; 0 where the scale is
    /// 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Codes(Vector512<float> x, float scale, float minimum, int levels)
    {
        if (scale == 0) return Vector512<uint>.Zero;
        Vector512<float> steps = (x - Vector512.Create(minimum)) / Vector512.Create(scale);
        steps = Vector512.MinNative(Vector512.MaxNative(steps, Vector512<float>.Zero), Vector512.Create((float)levels));
        return Vector512.ConvertToInt32Native(Vector512.Round(steps)).AsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Left, Vector512<float> Right) Row(
        float* source, int stride, int rows, int columns, int group, int k, float limit, float* row)
    {
        float* x = source + (k < rows ? (long)k * stride : 0);
        if (columns < QuantizedPanel.Columns)
        {
            for (int n = 0; n < QuantizedPanel.Columns; n++)
                row[n] = x[n < columns ? n : n / group * group is var first && first < columns ? first : 0];
            x = row;
        }
        return (Finite(Vector512.Load(x), limit), Finite(Vector512.Load(x + QuantizedPanel.Lanes), limit));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Finite(Vector512<float> x, float limit)
    {
        x = Vector512.ConditionalSelect(Vector512.Equals(x, x), x, Vector512<float>.Zero); // NaN, which is not equal to itself
        return Vector512.MinNative(Vector512.MaxNative(x, Vector512.Create(-limit)), Vector512.Create(limit));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Extremes(Vector512<float> lows, Vector512<float> highs, float* low, float* high)
    {
        Vector256<float> low8 = Vector256.MinNative(lows.GetLower(), lows.GetUpper()),
            high8 = Vector256.MaxNative(highs.GetLower(), highs.GetUpper());
        Vector128<float> low4 = Vector128.MinNative(low8.GetLower(), low8.GetUpper()),
            high4 = Vector128.MaxNative(high8.GetLower(), high8.GetUpper());
        *low = MathF.Min(MathF.Min(low4[0], low4[1]), MathF.Min(low4[2], low4[3]));
        *high = MathF.Max(MathF.Max(high4[0], high4[1]), MathF.Max(high4[2], high4[3]));
    }
}
