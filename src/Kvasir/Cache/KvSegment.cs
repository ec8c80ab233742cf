namespace Kvasir.Cache;

/// <summary>
/// A run of sealed blocks of one kv head that stand one after another in the sequence, all full but the last.
/// <see cref="Offset"/> is how far they stand from where their keys were rotated for: queries are rerotated by it.
/// Where only some tokens of the run were kept, <see cref="Kept"/> says which; the blocks hold these alone.
/// </summary>
internal abstract unsafe class KvSegment(BlockCodec codec, int firstPosition, int offset, KeptTokens? kept = null) : IDisposable
{
    public BlockCodec Codec { get; } = codec;

    /// <summary>Position in the sequence of the first token.</summary>
    public int FirstPosition { get; } = firstPosition;

    public int Offset { get; } = offset;

    /// <summary>Position of the first token when it was computed.</summary>
    public int ComputedAt { get; init; } = firstPosition - offset;

    /// <summary>Which tokens of the run are there; null for all.</summary>
    public KeptTokens? Kept { get; } = kept;

    /// <summary>Tokens in the blocks.</summary>
    public int TokenCount { get; protected set; }

    /// <summary>The position behind the run, whether or not its last tokens were kept.</summary>
    public int EndPosition { get; protected set; } = firstPosition + (kept?.Span ?? 0);

    public int BlockCount => KvBlock.CountFor(TokenCount);

    /// <summary>Bytes held by the blocks, in memory or in a mapped file.</summary>
    public abstract long Bytes { get; }

    /// <summary>The encoded keys of a block.</summary>
    public abstract byte* Keys(int block);

    /// <summary>The encoded values of a block.</summary>
    public byte* Values(int block) => Keys(block) + Codec.KeyBytes;

    public int CountIn(int block) => Math.Min(KvBlock.Tokens, TokenCount - block * KvBlock.Tokens);

    /// <summary>
    /// How many of its tokens stand at or before a position of the sequence; below 0 where the run comes later, and more than it has where
    /// it ended before.
    /// </summary>
    public int CountUpTo(int position) => Kept?.CountUpTo(position - FirstPosition) ?? position - FirstPosition + 1;

    /// <summary>The position of a token of the blocks; within the run whatever a mapped file says.</summary>
    public int PositionOf(int token) => FirstPosition + (Kept is null ? token : Math.Min(Kept.Positions[token], Kept.Span - 1));

    /// <summary>What the keys of a block and those behind it are read by.</summary>
    public KeyContext Context(LayerLayout layout, int block) => new(layout.Rotary, ComputedAt, Kept, block * KvBlock.Tokens);

    /// <summary>The same blocks for another cache.</summary>
    public abstract KvSegment Share();

    /// <summary>Forgets what stands at <paramref name="end"/> or behind it.</summary>
    public void TruncateTo(int end)
    {
        Truncate(Math.Clamp(CountUpTo(end - 1), 0, TokenCount));
        EndPosition = Math.Min(EndPosition, end);
    }

    /// <summary>Takes in that the blocks hold <paramref name="tokens"/> tokens.</summary>
    protected void SetTokens(int tokens)
    {
        TokenCount = tokens;
        if (Kept is null) EndPosition = FirstPosition + tokens;
    }

    /// <summary>Forgets the tokens after the first <paramref name="tokens"/>.</summary>
    protected abstract void Truncate(int tokens);

    public abstract void Dispose();
}
