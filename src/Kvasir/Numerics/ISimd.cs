using System.Runtime.Intrinsics;

namespace Kvasir.Numerics;

/// <summary>
/// The few vector operations that attention, float products and element-wise kernels are written in, so that one traversal serves
/// every instruction set. Implementations are structs used as type parameters: calls cost nothing.
/// </summary>
internal unsafe interface ISimd<TVector> where TVector : struct
{
    /// <summary>Floats in a vector.</summary>
    static abstract int Width { get; }

    static abstract TVector Broadcast(float value);

    static abstract TVector Load(float* source);

    static abstract void Store(TVector vector, float* destination);

    /// <summary>Float16 bits to float32, finite values exactly; the factor is <see cref="HalfVectors.Factor"/> of their form.</summary>
    static abstract TVector LoadHalf(ushort* source, TVector factor);

    static abstract TVector LoadBFloat16(ushort* source);

    static abstract TVector Add(TVector left, TVector right);

    static abstract TVector Subtract(TVector left, TVector right);

    static abstract TVector Multiply(TVector left, TVector right);

    static abstract TVector Divide(TVector left, TVector right);

    /// <summary>left * right + addend, fused where the hardware can.</summary>
    static abstract TVector MultiplyAdd(TVector left, TVector right, TVector addend);

    static abstract TVector Max(TVector left, TVector right);

    static abstract TVector Min(TVector left, TVector right);

    /// <summary>2^n for integral n in [-126, 127].</summary>
    static abstract TVector PowerOfTwo(TVector exponent);

    /// <summary>The vector times 2^n for integral n in [-126, 127].</summary>
    static abstract TVector TimesPowerOfTwo(TVector vector, TVector exponent);

    static abstract TVector Round(TVector vector);

    static abstract float Sum(TVector vector);

    /// <summary>The largest lane; none is NaN.</summary>
    static abstract float Highest(TVector vector);

    /// <summary>The sums of four vectors, together cheaper than one by one.</summary>
    static abstract Vector128<float> Sums(TVector first, TVector second, TVector third, TVector fourth);

    /// <summary>Unsigned bytes as numbers.</summary>
    static abstract TVector LoadBytes(byte* source);

    /// <summary>What <see cref="Codes{TBits}"/> looks codes up in.</summary>
    static abstract TVector CodeTable<TBits>() where TBits : IConstant;

    /// <summary>The lowest bits of every 32-bit word as a number; the words come as <see cref="Load"/> gave them.</summary>
    static abstract TVector Codes<TBits>(TVector words, TVector table) where TBits : IConstant;

    /// <summary>Words shifted right by 1, 2, 4 or 8: a literal in every case, or the JIT takes the slow form.</summary>
    static abstract TVector ShiftRight<TCount>(TVector words) where TCount : IConstant;

    /// <summary>
    /// Words of two bits of <paramref name="low"/> and above them one of <paramref name="high"/>; other bits are undefined.
    /// </summary>
    static abstract TVector MergeBits(TVector low, TVector high);

    /// <summary>Asks for the cache line at an address that need not be valid.</summary>
    static abstract void Prefetch(byte* address);
}
