using Kvasir.Cache;

namespace Kvasir.Tests.Cache;

/// <summary>Fills one row: layer, kv head, the token counted from the first new one, the key and the value to write, all zero.</summary>
internal delegate void RowSource(int layer, int kvHead, int token, Span<float> key, Span<float> value);

/// <summary>Tokens for caches without a model.</summary>
internal static unsafe class CacheWriting
{
    /// <summary>Appends tokens in one step, as a forward pass does: layer by layer, rows first, then sealing.</summary>
    public static void Append(this KvCache cache, int tokens, bool seal, RowSource fill)
    {
        using KvCache.Step step = cache.BeginStep(tokens);
        for (int l = 0; l < cache.Layers.Count; l++)
        {
            LayerLayout shape = cache.Layers[l].Layout;
            float[] key = new float[shape.KeyChannels], value = new float[shape.ValueChannels];
            step.Open(l, tokens);
            for (int h = 0; h < shape.KvHeads; h++)
                for (int t = 0; t < tokens; t++)
                {
                    Array.Clear(key);
                    Array.Clear(value);
                    fill(l, h, t, key, value);
                    fixed (float* k = key, v = value) step.Write(l, h, t, k, v);
                }
            for (int h = 0; seal && h < shape.KvHeads; h++) step.Seal(l, h);
        }
        step.Advance(tokens);
        step.Commit();
    }
}
