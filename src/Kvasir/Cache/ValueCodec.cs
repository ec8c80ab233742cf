namespace Kvasir.Cache;

/// <summary>How the values of a sealed block are encoded. The float form is [32 tokens, channels], unused tokens zero.</summary>
internal abstract unsafe class ValueCodec
{
    /// <summary>Its name in files: the grammar's, with all that reading needs.</summary>
    public abstract string Name { get; }

    /// <summary>Bytes of one block of values with this many channels.</summary>
    public abstract int Bytes(int channels);

    /// <summary>Encodes a block of which the first <paramref name="tokens"/> are real.</summary>
    public abstract void Encode(float* values, int channels, int tokens, byte* block);

    public abstract void Decode(byte* block, int channels, float* values);

    /// <summary>
    /// output[r, c] += sum over blocks b and tokens t of weights[r, 32 b + t] value[t, c], straight from the encoded bytes, for a strip of
    /// blocks; weights [rows, 32 count] with a stride, output [rows, channels].
    /// </summary>
    public abstract void Accumulate(in BlockStrip strip, float* weights, int weightsStride, int rows, float* output);
}
