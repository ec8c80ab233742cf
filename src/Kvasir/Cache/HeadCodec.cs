namespace Kvasir.Cache;

/// <summary>How one kv head is encoded, by position.</summary>
/// <param name="First">Codec of the blocks that start before <paramref name="SinkTokens"/>: the attention sink, kept exact.</param>
/// <param name="Rest">Codec of all others.</param>
/// <param name="SinkTokens">Tokens at the start of the sequence, a multiple of 32.</param>
/// <param name="Residual">Newest tokens that stay in float32, at least.</param>
internal sealed record HeadCodec(BlockCodec First, BlockCodec Rest, int SinkTokens, int Residual)
{
    public BlockCodec At(int position) => position < SinkTokens ? First : Rest;
}
