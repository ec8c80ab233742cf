using Kvasir.Cache;
using Kvasir.Numerics;

namespace Kvasir.Tests.Factoring;

/// <summary>Scores of thin keys by the cache's own codecs.</summary>
internal static unsafe class ThinScores
{
    /// <summary>The codec of factors around another.</summary>
    public static KeyCodec Codec(HeadFactors factors, Rotary? rotary, AttentionKernels kernels, KeyCodec? inner = null)
    {
        inner ??= new FloatKeys(kernels);
        return factors.BeforeRotation
            ? new UnrotatedKeys("thin", factors, inner, kernels, new RotaryRuns(rotary!, factors.Channels))
            : new ProjectedKeys("thin", factors, inner, kernels);
    }

    /// <summary>[rows][tokens] of queries and keys that are rotated; the keys stand at positions 0, 1, ...</summary>
    public static float[][] Of(HeadFactors factors, Rotary? rotary, float[][] queries, float[][] keys, KernelPath? path = null)
    {
        AttentionKernels kernels = AttentionKernels.For(path ?? KernelPaths.Choose());
        KeyCodec codec = Codec(factors, rotary, kernels);
        int channels = factors.Channels, count = KvBlock.CountFor(keys.Length), bytes = codec.Bytes(channels);
        using var encoded = new Kvasir.Memory.NativeBuffer((long)count * bytes);
        byte** blocks = stackalloc byte*[count];
        for (int b = 0; b < count; b++)
        {
            blocks[b] = encoded.Pointer + b * bytes;
            int tokens = Math.Min(KvBlock.Tokens, keys.Length - b * KvBlock.Tokens);
            float[] block = new float[channels * KvBlock.Tokens];
            for (int t = 0; t < tokens; t++)
                for (int c = 0; c < channels; c++) block[c * KvBlock.Tokens + t] = keys[b * KvBlock.Tokens + t][c];
            fixed (float* floats = block) codec.Encode(
                floats, channels, tokens, blocks[b], new KeyContext(rotary, 0, null, b * KvBlock.Tokens));
        }
        float[] rows = [.. queries.SelectMany(query => query)], scores = new float[queries.Length * count * KvBlock.Tokens];
        var strip = new BlockStrip
        {
            Blocks = blocks,
            Count = count,
            Channels = channels,
            Keys = new KeyContext(rotary, 0, null, 0),
            Next =
            blocks,
            NextBytes = 0
        };
        fixed (float* q = rows, s = scores) codec.Scores(strip, q, queries.Length, s, count * KvBlock.Tokens);
        return [.. scores.Chunk(count * KvBlock.Tokens).Select(row => row[..keys.Length])];
    }
}
