namespace Kvasir.Cache;

/// <summary>How one kv head is encoded, by position.</summary>
/// <param name="First">Codec of the blocks that lie within the first <paramref name="SinkTokens"/>: the attention sink, in float16.</param>
/// <param name="Rest">Codec of all others.</param>
/// <param name="SinkTokens">Tokens at the start of the sequence, a multiple of 32.</param>
/// <param name="Residual">Newest tokens that stay in float32, at least.</param>
internal sealed record HeadCodec(BlockCodec First, BlockCodec Rest, int SinkTokens, int Residual)
{
    public BlockCodec At(int position) => IsSink(position, SinkTokens) ? First : Rest;

    /// <summary>
    /// Whether a block that starts at <paramref name="position"/> belongs to a sink of so many tokens: with room for all of a full block.
    /// The first block of a chunk that stands behind a short prefix does not: what draws attention is the prefix.
    /// </summary>
    public static bool IsSink(int position, int sinkTokens) => position + KvBlock.Tokens <= sinkTokens;

    /// <summary>How many of a run of blocks from <paramref name="position"/> on belong to the sink.</summary>
    public int SinkBlocks(int position, int blocks) => Math.Clamp((SinkTokens - position) / KvBlock.Tokens, 0, blocks);

    /// <summary>
    /// The most bytes that a head whose tail stands at <paramref name="tailPosition"/> and holds <paramref name="tailTokens"/> gains at any
    /// moment while
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
            int first = SinkBlocks(tailPosition, blocks);
            return (long)first * First.Bytes + (long)(blocks - first) * Rest.Bytes + (long)floats * KvTail.BlockBytes(layout);
        }
    }
}
