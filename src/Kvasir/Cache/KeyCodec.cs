namespace Kvasir.Cache;

/// <summary>
/// How the keys of a sealed block are encoded. The float form is [channels, 32 tokens], rotated for where they were computed, unused tokens
/// zero.
/// </summary>
internal abstract unsafe class KeyCodec
{
    /// <summary>Its name in files: the grammar's, with all that reading needs.</summary>
    public abstract string Name { get; }

    /// <summary>Bytes of one block of keys with this many channels.</summary>
    public abstract int Bytes(int channels);

    /// <summary>Encodes a block of which the first <paramref name="tokens"/> are real.</summary>
    public abstract void Encode(float* keys, int channels, int tokens, byte* block, in KeyContext context);

    public abstract void Decode(byte* block, int channels, float* keys, in KeyContext context);

    /// <summary>
    /// scores[r, 32 b + t] = query r · key t of block b, straight from the encoded bytes, for a strip of blocks; queries [rows, channels],
    /// scores [rows, 32 count] with a stride.
    /// </summary>
    public abstract void Scores(in BlockStrip strip, float* queries, int rows, float* scores, int scoresStride);
}
