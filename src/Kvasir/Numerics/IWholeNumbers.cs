using System.Runtime.Intrinsics;

namespace Kvasir.Numerics;

/// <summary>
/// What products of packed codes with rows of int8 are written in, by the width of vectors: sums of u8 x s8 products in 16 bits, and these
/// in 32. Implementations are structs used as type parameters: calls cost nothing.
/// </summary>
/// <typeparam name="TFloats">A vector of floats.</typeparam>
/// <typeparam name="TInts">A vector of as many bits, whose fields are told by what is done with them.</typeparam>
internal unsafe interface IWholeNumbers<TFloats, TInts> where TFloats : struct where TInts : struct
{
    /// <summary>Words of 32 bits in a vector.</summary>
    static abstract int Width { get; }

    static abstract TInts Zero { get; }

    static abstract TInts Load(byte* source);

    /// <summary>Every byte's bits that <paramref name="mask"/> has.</summary>
    static abstract TInts Masked(TInts line, byte mask);

    /// <summary>Moves 16 bits at a time.</summary>
    static abstract TInts ShiftRight<TCount>(TInts line) where TCount : IConstant;

    /// <summary>16-bit sums and, added to them, the products of codes with four int8, two by two.</summary>
    static abstract TInts AddProducts(TInts sums, TInts codes, sbyte* quad);

    /// <summary>32-bit sums and, added to them, pairs of 16-bit sums times a weight.</summary>
    static abstract TInts AddPairs(TInts sums, TInts pairs, short weight);

    /// <summary>result = sums * step + bias, or += with <paramref name="accumulate"/>.</summary>
    static abstract void Finish(TInts sums, float step, float bias, float* result, bool accumulate);

    static abstract TFloats Abs(TFloats vector);

    /// <summary>The largest lanes of four vectors, together cheaper than one by one.</summary>
    static abstract Vector128<float> Largest(TFloats first, TFloats second, TFloats third, TFloats fourth);

    /// <summary>Sixteen floats times a factor, rounded to int8; times <paramref name="taken"/> they are added to a bias.</summary>
    static abstract Vector128<sbyte> Round(float* floats, TFloats factor, TFloats taken, ref TFloats bias);
}
