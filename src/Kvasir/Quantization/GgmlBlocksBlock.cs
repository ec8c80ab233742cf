using System.Runtime.Intrinsics;

namespace Kvasir.Quantization;

internal static partial class GgmlBlocks
{
    /// <summary>One block type. Spans are exactly one block long.</summary>
    private interface IBlock
    {
        /// <summary>Elements.</summary>
        static abstract int Length { get; }

        /// <summary>Bytes.</summary>
        static abstract int Bytes { get; }

        static abstract void Decode(ReadOnlySpan<byte> block, Span<float> values);
    }

    /// <summary>A block type that can also be made.</summary>
    private interface IEncodableBlock : IBlock
    {
        static abstract void Encode(ReadOnlySpan<float> values, Span<byte> block);
    }

    private static float ReadHalf(ReadOnlySpan<byte> bytes) => (float)MemoryMarshal.Read<Half>(bytes);

    private static void WriteHalf(Span<byte> bytes, float value) => MemoryMarshal.Write(bytes, (Half)value);

    private static Vector128<byte> Load(ReadOnlySpan<byte> bytes) => Vector128.Create(bytes);

    private static Vector128<byte> Low(Vector128<byte> nibbles) => nibbles & Vector128.Create((byte)0xF);

    private static Vector128<byte> High(Vector128<byte> nibbles) => nibbles >>> 4;

    /// <summary>values[i] = scale * quants[i], i below 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(Vector128<sbyte> quants, float scale, Span<float> values)
    {
        (Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d) = ToSingle(quants);
        Store(values, a * scale, b * scale, c * scale, d * scale);
    }

    /// <summary>values[i] = scale * quants[i] + offset, i below 16; two roundings, as in ggml.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(Vector128<byte> quants, float scale, float offset, Span<float> values)
    {
        (Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d) = ToSingle(quants.AsSByte());
        Vector128<float> plus = Vector128.Create(offset);
        Store(values, (a * scale) + plus, (b * scale) + plus, (c * scale) + plus, (d * scale) + plus);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<float> A, Vector128<float> B, Vector128<float> C, Vector128<float> D) ToSingle(Vector128<sbyte> quants)
    {
        (Vector128<short> lower, Vector128<short> upper) = Vector128.Widen(quants);
        (Vector128<int> a, Vector128<int> b) = Vector128.Widen(lower);
        (Vector128<int> c, Vector128<int> d) = Vector128.Widen(upper);
        return (Vector128.ConvertToSingle(a), Vector128.ConvertToSingle(b), Vector128.ConvertToSingle(c), Vector128.ConvertToSingle(d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Span<float> values, Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        ref float first = ref MemoryMarshal.GetReference(values[..16]);
        a.StoreUnsafe(ref first);
        b.StoreUnsafe(ref first, 4);
        c.StoreUnsafe(ref first, 8);
        d.StoreUnsafe(ref first, 12);
    }
}
