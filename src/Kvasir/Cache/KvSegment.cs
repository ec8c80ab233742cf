namespace Kvasir.Cache;

/// <summary>
/// A run of sealed blocks of one kv head that stand one after another in the sequence, all full but the last.
/// <see cref="Offset"/> is how far they stand from where their keys were rotated for: queries are turned back by it.
/// </summary>
internal abstract unsafe class KvSegment(BlockCodec codec, int firstPosition, int offset) : IDisposable
{
    public BlockCodec Codec { get; } = codec;

    /// <summary>Position in the sequence of the first token.</summary>
    public int FirstPosition { get; } = firstPosition;

    public int Offset { get; } = offset;

    public int TokenCount { get; protected set; }

    public int EndPosition => FirstPosition + TokenCount;

    public int BlockCount => KvBlock.CountFor(TokenCount);

    /// <summary>Bytes held by the blocks, in memory or in a mapped file.</summary>
    public abstract long Bytes { get; }

    /// <summary>The encoded keys of a block.</summary>
    public abstract byte* Keys(int block);

    /// <summary>The encoded values of a block.</summary>
    public byte* Values(int block) => Keys(block) + Codec.KeyBytes;

    public int CountIn(int block) => Math.Min(KvBlock.Tokens, TokenCount - block * KvBlock.Tokens);

    /// <summary>The same blocks for another cache.</summary>
    public abstract KvSegment Share();

    /// <summary>Forgets the tokens after the first <paramref name="tokens"/>.</summary>
    public abstract void Truncate(int tokens);

    public abstract void Dispose();
}
