using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>How a block of one shape is encoded: its keys, then its values, then zeros up to a multiple of 64 bytes.</summary>
internal sealed unsafe class BlockCodec(KeyCodec keys, ValueCodec values, int keyChannels, int valueChannels)
{
    public KeyCodec Keys { get; } = keys;

    public ValueCodec Values { get; } = values;

    public int KeyBytes { get; } = keys.Bytes(keyChannels);

    public int ValueBytes { get; } = values.Bytes(valueChannels);

    /// <summary>Bytes of a block.</summary>
    public int Bytes { get; } =
        (keys.Bytes(keyChannels) + values.Bytes(valueChannels)
            + NativeBuffer.Alignment - 1) / NativeBuffer.Alignment * NativeBuffer.Alignment;

    /// <summary>
    /// Encodes a block from its float form: keys [channels, 32 tokens], values [32 tokens, channels], of which <paramref name="tokens"/>
    /// are real.
    /// </summary>
    public void Encode(float* keys, float* values, int tokens, byte* block, in KeyContext context)
    {
        Keys.Encode(keys, keyChannels, tokens, block, context);
        Values.Encode(values, valueChannels, tokens, block + KeyBytes);
        new Span<byte>(block + KeyBytes + ValueBytes, Bytes - KeyBytes - ValueBytes).Clear();
    }

    public void Decode(byte* block, float* keys, float* values, in KeyContext context)
    {
        Keys.Decode(block, keyChannels, keys, context);
        Values.Decode(block + KeyBytes, valueChannels, values);
    }
}
