using System.Buffers.Binary;
using System.Numerics.Tensors;
using Kvasir.Memory;

namespace Kvasir.Documents.Catalog;

/// <summary>
/// How an embedding is stored: its direction in 8 bits a dimension, the greatest of which is 127, and a CRC-32C that starts from its text's
/// number. A quarter of float32's bytes, and cosines differ by less than 0.002.
/// </summary>
internal static class EmbeddingRow
{
    public static byte[] Write(long text, ReadOnlySpan<float> vector)
    {
        byte[] blob = new byte[vector.Length + sizeof(uint)];
        Span<byte> values = blob.AsSpan(0, vector.Length);
        float greatest = vector.IsEmpty ? 0 : Math.Abs(TensorPrimitives.MaxMagnitude(vector));
        for (int i = 0; i < vector.Length && float.IsNormal(greatest); i++)
            values[i] = (byte)(sbyte)MathF.Round(vector[i] / greatest * sbyte.MaxValue);
        BinaryPrimitives.WriteUInt32LittleEndian(blob.AsSpan(values.Length), Checksum.Of(values, (uint)text));
        return blob;
    }

    public static bool IsSound(long text, ReadOnlySpan<byte> blob) => blob.Length >= sizeof(uint)
        && Checksum.Of(blob[..^sizeof(uint)], (uint)text) == BinaryPrimitives.ReadUInt32LittleEndian(blob[^sizeof(uint)..]);

    /// <summary>The values of a sound row.</summary>
    public static ReadOnlySpan<sbyte> Values(ReadOnlySpan<byte> blob) => MemoryMarshal.Cast<byte, sbyte>(blob[..^sizeof(uint)]);

    /// <summary>A row as floats, of length 1 or all 0; null where it is not sound.</summary>
    public static float[]? Read(long text, ReadOnlySpan<byte> blob)
    {
        if (!IsSound(text, blob)) return null;
        float[] row = new float[Values(blob).Length];
        TensorPrimitives.ConvertChecked(Values(blob), row);
        if (TensorPrimitives.Norm(row) is > 0 and var norm) TensorPrimitives.Divide(row, norm, row);
        return row;
    }
}
