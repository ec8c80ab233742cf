using System.Numerics.Tensors;

namespace Kvasir.Quantization;

/// <summary>
/// Scales and minima of a set of groups as a block carries them: all scales, then all minima, in float32, float16 (nearest even) or 8 bits.
/// With 8 bits, runs of up to 64 groups share four float32 numbers, base and step of the scales and of the minima, which stand before
/// the run's bytes. With few levels, minima and scales are rounded to nearest, which costs least on average; with more than 16, where a
/// step of the minima is many of the codes, minima are rounded down and scales up, so that the codes still reach every value of the group.
/// </summary>
internal static unsafe class GroupScales
{
    /// <summary>Groups that share base and step.</summary>
    public const int Run = 64;

    /// <summary>Bytes of base and step of a run.</summary>
    public const int RunHeader = 4 * sizeof(float);

    /// <summary>Bytes of a set.</summary>
    public static int Bytes(int groups, int scaleBits) =>
        scaleBits == 8 ? 2 * groups + (groups + Run - 1) / Run * RunHeader : 2 * groups * scaleBits / 8;

    /// <summary>
    /// Writes a set for groups that reach from <paramref name="low"/> to <paramref name="high"/>, and gives the scales and minima that a
    /// reader will see.
    /// </summary>
    public static void Write(float* low, float* high, int groups, QuantizedFormat format, byte* set, float* scales, float* minima)
    {
        if (format.ScaleBits == 8)
        {
            for (int start = 0; start < groups; start += Run)
            {
                int count = Math.Min(Run, groups - start);
                WriteRun(low + start, high + start, count, format.Levels, set, scales + start, minima + start);
                set += RunHeader + 2 * count;
            }
            return;
        }
        for (int i = 0; i < groups; i++)
        {
            float scale = (high[i] - low[i]) / format.Levels;
            (scales[i], minima[i]) = format.ScaleBits == 16 ? ((float)(Half)scale, (float)(Half)low[i]) : (scale, low[i]);
            if (format.ScaleBits == 16) (((Half*)set)[i], ((Half*)set)[groups + i]) = ((Half)scale, (Half)low[i]);
            else (((float*)set)[i], ((float*)set)[groups + i]) = (scale, low[i]);
        }
    }

    private static void WriteRun(float* low, float* high, int count, int levels, byte* run, float* scales, float* minima)
    {
        byte* codes = run + RunHeader;
        float slack = levels < 16 ? 0.5f : 0;
        Quantize(low, count, up: false, slack, (float*)run + 2, codes + count, minima);
        float* needed = stackalloc float[Run];
        for (int i = 0; i < count; i++) needed[i] = Math.Max(0, (high[i] - minima[i]) / levels);
        Quantize(needed, count, up: true, slack, (float*)run, codes, scales);
    }

    /// <summary>
    /// 8-bit codes of <paramref name="x"/> between its extremes, rounded up or down where they are more than <paramref name="slack"/> away;
    /// <paramref name="seen"/> is what they stand for.
    /// </summary>
    private static void Quantize(float* x, int count, bool up, float slack, float* baseAndStep, byte* codes, float* seen)
    {
        var values = new ReadOnlySpan<float>(x, count);
        float lowest = TensorPrimitives.Min(values), step = (TensorPrimitives.Max(values) - lowest) / byte.MaxValue;
        (baseAndStep[0], baseAndStep[1]) = (lowest, step);
        for (int i = 0; i < count; i++)
        {
            float steps = step == 0 ? 0 : (x[i] - lowest) / step;
            codes[i] = (byte)Math.Clamp(up ? MathF.Ceiling(steps - slack) : MathF.Floor(steps + slack), 0, byte.MaxValue);
            seen[i] = codes[i] * step + lowest;
        }
    }
}
