namespace Kvasir.Numerics;

/// <summary>32 columns of one token in int8: value = Scale * code. One cache line, with the sums for zero points and minimums.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal unsafe struct ActivationBlock
{
    public const int Columns = 32;

    public fixed sbyte Codes[Columns];

    public float Scale;

    /// <summary>Scale times <see cref="Sum"/>, and the same of each half.</summary>
    public float ScaledSum;

    public fixed float ScaledHalfSums[2];

    /// <summary>Sum of the 32 codes, and of each half.</summary>
    public int Sum;

    public fixed int HalfSums[2];
}
