namespace Kvasir.Cache;

/// <summary>How the keys of a sealed block are encoded. The float form is [channels, 32 tokens], unused tokens zero.</summary>
internal abstract unsafe class KeyCodec
{
    /// <summary>Its name in files: the grammar's, with all that reading needs.</summary>
    public abstract string Name { get; }

    /// <summary>Bytes of one block of keys with this many channels.</summary>
    public abstract int Bytes(int channels);

    /// <summary>Encodes a block of which the first <paramref name="tokens"/> are real.</summary>
    public abstract void Encode(float* keys, int channels, int tokens, byte* block);

    public abstract void Decode(byte* block, int channels, float* keys);

    /// <summary>
    /// scores[r, 32 b + t] = query r · key t of block b, straight from the encoded bytes, for a strip of blocks; queries [rows, channels], scores [rows, 32 count] with a stride.
    /// As many pointers of <paramref name="next"/> say what will be read after that, to be fetched meanwhile; they need not be valid.
    /// </summary>
    public abstract void Scores(byte** blocks, int count, int channels, float* queries, int rows, float* scores, int scoresStride, byte** next, int nextBytes);
}
