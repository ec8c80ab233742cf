using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>How far stored keys and values are from exact ones of the same tokens.</summary>
internal static unsafe class KvDeviation
{
    /// <summary>
    /// Adds to <paramref name="deviation"/>, for every token of one head from <paramref name="first"/> on, the sum of squared differences
    /// between what the head has stored and the float rows of the same tokens at their place. A stored key that stands elsewhere than it
    /// was computed is compared there: turning both leaves the distance as it is.
    /// </summary>
    /// <param name="stored">The head, sealed.</param>
    /// <param name="exact">The rows of all its tokens.</param>
    /// <param name="layout">Its shape.</param>
    /// <param name="first">The first token.</param>
    /// <param name="deviation">[stored tokens - first].</param>
    public static void Add(HeadCache stored, KvTail exact, LayerLayout layout, int first, Span<float> deviation)
    {
        using var scratch = new NativeBuffer(
            KvTail.BlockBytes(layout) + (layout.KeyChannels + (layout.Rotary?.TableLength ?? 0)) * sizeof(float));
        float* keys = (float*)scratch.Pointer, values = keys + KvBlock.Tokens * layout.KeyChannels, key = values
            + KvBlock.Tokens * layout.ValueChannels, table = key + layout.KeyChannels;
        foreach (KvSegment segment in stored.Segments)
        {
            layout.Rotary?.FillTable(-segment.Offset, new Span<float>(table, layout.Rotary.TableLength), withMagnitude: false);
            for (int token = 0, block = -1; token < segment.TokenCount; token++)
            {
                int position = segment.PositionOf(token);
                if (position < first) continue;
                if (token / KvBlock.Tokens != block)
                {
                    block = token / KvBlock.Tokens;
                    segment.Codec.Keys.Decode(segment.Keys(block), layout.KeyChannels, keys, segment.Context(layout, block));
                    segment.Codec.Values.Decode(segment.Values(block), layout.ValueChannels, values);
                }
                int slot = token % KvBlock.Tokens, exactSlot = position % KvBlock.Tokens;
                float* exactKeys = exact.Keys(position / KvBlock.Tokens), exactValues = exact.Values(position / KvBlock.Tokens)
                    + exactSlot * layout.ValueChannels;
                for (int c = 0; c < layout.KeyChannels; c++) key[c] = exactKeys[c * KvBlock.Tokens + exactSlot];
                if (segment.Offset != 0) layout.Rotary?.Rotate(key, table);
                float sum = 0;
                for (int c = 0; c < layout.KeyChannels; c++) sum += Square(key[c] - keys[c * KvBlock.Tokens + slot]);
                for (int c = 0; c < layout.ValueChannels; c++) sum += Square(exactValues[c] - values[slot * layout.ValueChannels + c]);
                deviation[position - first] += sum;
            }
        }
    }

    private static float Square(float x) => x * x;
}
