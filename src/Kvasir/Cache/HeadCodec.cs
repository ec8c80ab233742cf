namespace Kvasir.Cache;

/// <summary>How one kv head is encoded, by position.</summary>
/// <param name="First">Codec of the blocks that start before <paramref name="SinkTokens"/>: the attention sink, in float16.</param>
/// <param name="Rest">Codec of all others.</param>
/// <param name="SinkTokens">Tokens at the start of the sequence, a multiple of 32.</param>
/// <param name="Residual">Newest tokens that stay in float32, at least.</param>
internal sealed record HeadCodec(BlockCodec First, BlockCodec Rest, int SinkTokens, int Residual)
{
    public BlockCodec At(int position) => position < SinkTokens ? First : Rest;

    /// <summary>
    /// The most bytes that a head whose tail stands at <paramref name="tailPosition"/> and holds <paramref name="tailTokens"/> gains at any moment while
    /// <paramref name="tokens"/> more are appended one by one; 0 where it only shrinks.
    /// </summary>
    public long MostGrowthBytes(LayerLayout layout, int tailPosition, int tailTokens, int tokens)
    {
        int tail = tailTokens + tokens, sealedBlocks = Math.Max(0, (tail - Residual) / KvBlock.Tokens), held = KvBlock.CountFor(tailTokens);
        long most = Math.Max(0, Bytes(sealedBlocks, KvBlock.CountFor(tail - sealedBlocks * KvBlock.Tokens) - held));
        // Before its last sealing the tail was full.
        return sealedBlocks == 0 ? most : Math.Max(most, Bytes(sealedBlocks - 1, KvBlock.CountFor(Residual + KvBlock.Tokens) - held));

        long Bytes(int blocks, int floats)
        {
            int first = Math.Clamp(KvBlock.CountFor(SinkTokens - tailPosition), 0, blocks);
            return (long)first * First.Bytes + (long)(blocks - first) * Rest.Bytes + (long)floats * KvTail.BlockBytes(layout);
        }
    }
}
