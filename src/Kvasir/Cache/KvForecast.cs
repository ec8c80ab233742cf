namespace Kvasir.Cache;

/// <summary>
/// The bytes that sequences will hold under a policy, known before they run: what is admitted by it never meets a full budget.
/// Made by <see cref="Models.Model.Forecast"/>. Sequences that share blocks are counted as if they did not.
/// </summary>
public sealed class KvForecast
{
    private readonly KvLayout _layout;
    private readonly List<(LayerLayout Layer, HeadCodec Codec)> _heads = [];
    private readonly int _workers, _sliceTokens;
    private readonly long _budget;

    internal KvForecast(KvLayout layout, KvPolicy policy, int workers, int sliceTokens)
    {
        (_layout, _workers, _sliceTokens, _budget) = (layout, workers, sliceTokens, policy.Eviction?.Budget ?? long.MaxValue);
        for (int layer = 0; layer < layout.Layers.Count; layer++)
            for (int head = 0; head < layout.Layers[layer].KvHeads; head++)
                _heads.Add((layout.Layers[layer], policy.WhileReading.HeadCodec(layout, layer, head)));
    }

    /// <summary>
    /// The most bytes that a sequence holds at any moment while it grows token by token to <paramref name="tokens"/>: sink, sealed blocks,
    /// residual, and the float block that is full but not yet sealed. Longer steps hold no more once they are done; what they hold
    /// meanwhile is <see cref="PassBytes"/>.
    /// </summary>
    public long MostBytes(int tokens)
    {
        long bytes = 0;
        foreach ((LayerLayout layer, HeadCodec codec) in _heads) bytes += codec.MostGrowthBytes(layer, 0, 0, tokens);
        return Math.Min(bytes, _budget);
    }

    /// <summary>
    /// The most bytes that one forward pass holds beside its sequences: the tokens of one slice and one layer in float32 until they are
    /// sealed, and the block that each worker is encoding.
    /// </summary>
    /// <param name="tokens">Tokens of the pass.</param>
    /// <param name="sequences">Sequences that bring more than one token.</param>
    public long PassBytes(int tokens, int sequences) => _layout.PassBytes(Math.Min(tokens, _sliceTokens), sequences, _workers);

    /// <summary>Bytes of tokens that are computed anew in place of sealed ones, beside which they stand in float32.</summary>
    internal long RepairedBytes(int tokens) => _heads.Sum(head => (long)KvBlock.CountFor(tokens) * KvTail.BlockBytes(head.Layer));

    /// <summary>
    /// Bytes of the blocks in a file of <paramref name="tokens"/> tokens that were computed from position <paramref name="firstToken"/> on,
    /// a border made by <see cref="KvCache.Seal"/>; the file's header comes on top.
    /// </summary>
    public long SavedBytes(int firstToken, int tokens)
    {
        long bytes = 0;
        int blocks = KvBlock.CountFor(tokens);
        foreach ((_, HeadCodec codec) in _heads)
        {
            int inSink = codec.SinkBlocks(firstToken, blocks);
            bytes += (long)inSink * codec.First.Bytes + (long)(blocks - inSink) * codec.Rest.Bytes;
        }
        return bytes;
    }

    /// <summary>
    /// The longest sequence that <paramref name="budget"/> bytes hold, with the passes that compute it; 0 where not even one token fits.
    /// </summary>
    public int MostTokens(long budget) => Most(int.MaxValue - KvBlock.Tokens, tokens => MostBytes(tokens) + PassBytes(tokens, 1) <= budget);

    /// <summary>The most tokens, up to <paramref name="limit"/>, that fit where fewer fit too.</summary>
    internal static int Most(int limit, Func<int, bool> fits)
    {
        int most = 0;
        for (int step = 1 << 30; step > 0; step >>= 1)
            if (step <= limit - most && fits(most + step)) most += step;
        return most;
    }

    /// <summary>
    /// How many sequences of <paramref name="tokens"/> tokens <paramref name="budget"/> bytes hold, if their prompts are computed one after
    /// another.
    /// </summary>
    public int MostSequences(long budget, int tokens) =>
        (int)Math.Clamp((budget - PassBytes(tokens, 1)) / Math.Max(1, MostBytes(tokens)), 0, int.MaxValue);
}
