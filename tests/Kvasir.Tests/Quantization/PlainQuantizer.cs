using Kvasir.Cache;
using Kvasir.Quantization;

namespace Kvasir.Tests.Quantization;

/// <summary>Encoding and decoding of blocks by plain loops, written from the definition alone: the oracle of the codecs.</summary>
internal static class PlainQuantizer
{
    private const int Tokens = KvBlock.Tokens;

    /// <summary>What became of a block's floats; unused tokens are zero everywhere.</summary>
    /// <param name="Values">code * scale + minimum.</param>
    /// <param name="Codes">The codes.</param>
    /// <param name="Scales">The scale of each value's group, as a reader sees it.</param>
    /// <param name="Minima">The minimum of each value's group, as a reader sees it.</param>
    internal sealed record Block(float[] Values, int[] Codes, float[] Scales, float[] Minima)
    {
        public Block(int count) : this(new float[count], new int[count], new float[count], new float[count]) { }
    }

    /// <summary>
    /// Keys [channels, 32 tokens]: a group is up to <c>Group</c> real tokens of one channel; the channels of a token range share sets of
    /// scales.
    /// </summary>
    public static Block Keys(float[] keys, int channels, int tokens, QuantizedFormat format)
    {
        var block = new Block(channels * Tokens);
        for (int first = 0; first < tokens; first += format.Group)
            Encode([.. Enumerable.Range(0, channels)
                .Select(c => Enumerable.Range(c * Tokens + first, Math.Min(format.Group, tokens - first)).ToArray())], keys, format, block);
        return block;
    }

    /// <summary>
    /// Values [32 tokens, channels]: a group is up to 32 channels of one token; the tokens of a channel range share sets of scales.
    /// </summary>
    public static Block Values(float[] values, int channels, int tokens, QuantizedFormat format)
    {
        var block = new Block(channels * Tokens);
        for (int first = 0; first < channels; first += 32)
            Encode([.. Enumerable.Range(0, tokens)
                .Select(t => Enumerable.Range(t * channels + first, Math.Min(32, channels - first)).ToArray())], values, format, block);
        return block;
    }

    /// <summary>Encodes a set of groups, each given by the indices of its members.</summary>
    private static void Encode(int[][] groups, float[] x, QuantizedFormat format, Block block)
    {
        int levels = (1 << format.Bits) - 1;
        float limit = format.ScaleBits == 32 ? 1e30f : 65504;
        float[][] members =
            [.. groups.Select(group => group.Select(i => float.IsNaN(x[i]) ? 0 : Math.Clamp(x[i], -limit, limit)).ToArray())];
        (float[] scales, float[] minima) =
            Scales([.. members.Select(group => group.Min())], [.. members.Select(group => group.Max())], levels, format.ScaleBits);
        for (int g = 0; g < groups.Length; g++)
            for (int j = 0; j < groups[g].Length; j++)
            {
                float steps = scales[g] == 0 ? 0 : (members[g][j] - minima[g]) / scales[g];
                int code = (int)MathF.Round(Math.Clamp(steps, 0, levels), MidpointRounding.ToEven), i = groups[g][j];
                float product = code * scales[g];
                (block.Values[i], block.Codes[i], block.Scales[i], block.Minima[i]) = (product + minima[g], code, scales[g], minima[g]);
            }
    }

    /// <summary>Scales and minima as a reader sees them.</summary>
    private static (float[] Scales, float[] Minima) Scales(float[] low, float[] high, int levels, int scaleBits)
    {
        float[] scales = [.. low.Zip(high, (l, h) => (h - l) / levels)];
        return scaleBits switch
        {
            32 => (scales, low),
            16 => ([.. scales.Select(scale => (float)(Half)scale)], [.. low.Select(minimum => (float)(Half)minimum)]),
            _ => EightBits(low, high, levels),
        };
    }

    /// <summary>
    /// Runs of 64 groups: minima rounded between their extremes in 255 steps, then the scales that reach the highest values from there; to
    /// nearest, but with many levels minima down and scales up.
    /// </summary>
    private static (float[] Scales, float[] Minima) EightBits(float[] low, float[] high, int levels)
    {
        float[] minima = [.. low.Chunk(64).SelectMany(run => InSteps(run, x => levels > 15 ? MathF.Floor(x) : MathF.Floor(x + 0.5f)))];
        float[] needed = [.. high.Zip(minima, (h, m) => Math.Max(0, (h - m) / levels))];
        return ([.. needed.Chunk(64).SelectMany(run => InSteps(run, x => levels > 15 ? MathF.Ceiling(x) : MathF.Ceiling(x - 0.5f)))],
            minima);
    }

    private static IEnumerable<float> InSteps(float[] x, Func<float, float> round)
    {
        float start = x.Min(), step = (x.Max() - start) / 255;
        return x.Select(value => (step == 0 ? 0 : Math.Clamp(round((value - start) / step), 0, 255)) * step + start);
    }
}
