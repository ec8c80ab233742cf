namespace Kvasir.Numerics;

/// <summary>The instruction sets that kernels are written for, slowest first.</summary>
internal enum KernelPath
{
    /// <summary>The oracle: plain loops that a reader can check by eye.</summary>
    Scalar,

    /// <summary>Portable 128-bit vectors (old x86 and Arm).</summary>
    Vector128,

    /// <summary>The same with the s8 x s8 dot products of Armv8.2.</summary>
    NeonDot,

    /// <summary>AVX2 with FMA.</summary>
    Avx2,

    /// <summary>AVX2 with u8 x s8 dot products.</summary>
    AvxVnni,

    /// <summary>AVX-512 F, BW and VL.</summary>
    Avx512,

    /// <summary>The same, with the u8 x s8 dot products of AVX-VNNI for codes of 8 bits and for single tokens.</summary>
    Avx512Vnni,

    /// <summary>AVX-512 with u8 x s8 dot products of its own width (AVX512-VNNI), which .NET has from version 11 on.</summary>
    Avx512Dot,
}
