using System.Buffers.Binary;
using System.Numerics.Tensors;
using Kvasir.Memory;

namespace Kvasir.Documents.Storage;

/// <summary>
/// How an embedding is stored: float16, of length 1 or all 0, and a CRC-32C that starts from its text's number. Half of float32's bytes,
/// and cosines differ by less than 0.0005.
/// </summary>
internal static class EmbeddingRow
{
    /// <summary>How far rounding may leave the length of a row from 1: a row that is stored again stays as it is.</summary>
    private const float UnitTolerance = 1e-3f;

    public static byte[] Write(long text, ReadOnlySpan<float> vector)
    {
        float[] row = vector.ToArray();
        float norm = TensorPrimitives.Norm(row);
        if (!float.IsFinite(norm) || norm == 0) row.AsSpan().Clear();
        else if (Math.Abs(norm - 1) > UnitTolerance) TensorPrimitives.Divide(row, norm, row);

        byte[] blob = new byte[sizeof(ushort) * row.Length + sizeof(uint)];
        Span<byte> values = blob.AsSpan(0, blob.Length - sizeof(uint));
        TensorPrimitives.ConvertToHalf(row, MemoryMarshal.Cast<byte, Half>(values));
        BinaryPrimitives.WriteUInt32LittleEndian(blob.AsSpan(values.Length), Checksum.Of(values, (uint)text));
        return blob;
    }

    public static bool IsSound(long text, ReadOnlySpan<byte> blob) =>
        blob.Length % sizeof(ushort) == 0 && blob.Length >= sizeof(uint)
        && Checksum.Of(blob[..^sizeof(uint)], (uint)text) == BinaryPrimitives.ReadUInt32LittleEndian(blob[^sizeof(uint)..]);

    /// <summary>The values of a sound row.</summary>
    public static ReadOnlySpan<Half> Values(ReadOnlySpan<byte> blob) => MemoryMarshal.Cast<byte, Half>(blob[..^sizeof(uint)]);

    /// <summary>A row as floats; null where it is not sound.</summary>
    public static float[]? Read(long text, ReadOnlySpan<byte> blob)
    {
        if (!IsSound(text, blob)) return null;
        float[] row = new float[Values(blob).Length];
        TensorPrimitives.ConvertToSingle(Values(blob), row);
        return row;
    }
}
