using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>
/// Encodes the sealed blocks of one kv head anew, each for the position it was computed at. What is kept in the same way before and after
/// is copied: no part is encoded twice without need.
/// </summary>
internal sealed unsafe class BlockRecoder(LayerLayout layout, HeadCodec codec) : IDisposable
{
    private readonly NativeBuffer _floats = new(KvTail.BlockBytes(layout));

    /// <summary>How a block of <paramref name="segment"/> is to be encoded.</summary>
    public BlockCodec TargetOf(KvSegment segment, int block) =>
        segment.Kept is null ? codec.At(segment.ComputedAt + block * KvBlock.Tokens) : codec.Rest;

    /// <summary>Writes a block as <see cref="TargetOf"/> says: <see cref="BlockCodec.Bytes"/> of it.</summary>
    public void Recode(KvSegment segment, int block, byte* destination)
    {
        BlockCodec source = segment.Codec, target = TargetOf(segment, block);
        if (source == target)
        {
            Buffer.MemoryCopy(segment.Keys(block), destination, target.Bytes, target.Bytes);
            return;
        }
        float* keys = (float*)_floats.Pointer, values = keys + KvBlock.Tokens * layout.KeyChannels;
        source.Decode(segment.Keys(block), keys, values, segment.Context(layout, block));
        ClearFrom(segment.CountIn(block), keys, values);
        target.Encode(keys, values, segment.CountIn(block), destination, segment.Context(layout, block));
        if (source.Keys.Name == target.Keys.Name) Buffer.MemoryCopy(segment.Keys(block), destination, target.KeyBytes, target.KeyBytes);
        if (source.Values.Name == target.Values.Name)
            Buffer.MemoryCopy(segment.Values(block), destination + target.KeyBytes, target.ValueBytes, target.ValueBytes);
    }

    public void Dispose() => _floats.Dispose();

    /// <summary>What a short block holds behind its tokens (of a cut sequence, or copies that widen no group) is not carried on.</summary>
    private void ClearFrom(int tokens, float* keys, float* values)
    {
        if (tokens == KvBlock.Tokens) return;
        for (int c = 0; c < layout.KeyChannels; c++) new Span<float>(keys + c * KvBlock.Tokens + tokens, KvBlock.Tokens - tokens).Clear();
        new Span<float>(values + tokens * layout.ValueChannels, (KvBlock.Tokens - tokens) * layout.ValueChannels).Clear();
    }
}
