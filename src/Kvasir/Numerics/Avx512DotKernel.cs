#if NET11_0_OR_GREATER
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>
/// For one token, where memory is the limit, <see cref="Vector256Kernel{TDot}"/>; for several <see cref="Avx512DotTile"/>.
/// </summary>
internal readonly unsafe struct Avx512DotKernel<TDot> : IPanelKernel where TDot : IDot256
{
    public static int MaxTokens(in PackedFormat format) => Avx512DotTile.MaxTokens;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result)
    {
        for (int done; tokens > 0; tokens -= done, result += done * PackedFormat.PanelRows,
            x = (ActivationBlock*)((byte*)x + done * stride))
        {
            done = tokens >= 16 ? 16 : tokens >= 8 ? 8 : tokens >= 4 ? 4 : tokens >= 2 ? 2 : 1;
            if (done == 1) Vector256Kernel<TDot>.Multiply(format, panel, blocks, x, stride, 1, result);
            else if (format.Bits == 4) Tile<C4>(format, panel, blocks, (byte*)x, stride, done, result);
            else Tile<C8>(format, panel, blocks, (byte*)x, stride, done, result);
        }
    }

    private static void Tile<TBits>(in PackedFormat format, byte* panel, int blocks, byte* x, nint stride, int tokens, float* result)
        where TBits : IConstant
    {
        if (format.HasMinimum && format.Group == 32) Tile<Minimum32, TBits>(format, panel, blocks, x, stride, tokens, result);
        else if (format.HasMinimum) Tile<Minimum16, TBits>(format, panel, blocks, x, stride, tokens, result);
        else if (format.Group == 32) Tile<Zero32, TBits>(format, panel, blocks, x, stride, tokens, result);
        else Tile<Zero16, TBits>(format, panel, blocks, x, stride, tokens, result);
    }

    private static void Tile<TForm, TBits>(
        in PackedFormat format, byte* panel, int blocks, byte* x, nint stride, int tokens, float* result)
        where TForm : IForm where TBits : IConstant
    {
        for (int half = 0; half < 2; half++)
        {
            if (tokens == 16) Avx512DotTile.Multiply<TForm, TBits, C16>(format, panel, half, blocks, x, stride, result);
            else if (tokens == 8) Avx512DotTile.Multiply<TForm, TBits, C8>(format, panel, half, blocks, x, stride, result);
            else if (tokens == 4) Avx512DotTile.Multiply<TForm, TBits, C4>(format, panel, half, blocks, x, stride, result);
            else Avx512DotTile.Multiply<TForm, TBits, C2>(format, panel, half, blocks, x, stride, result);
        }
    }
}

/// <summary>
/// The lower half of AVX512-VNNI's dot product, for CPUs that have no form of 256 bits that .NET knows: one instruction, where AVX2 takes
/// three for codes of 4 bits and eight for those of 8.
/// </summary>
internal readonly struct LowerHalfDot : IDot256
{
    public static bool IsOneInstruction => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add<TBits>(Vector256<int> sum, Vector256<byte> codes, Vector256<sbyte> x) where TBits : IConstant =>
        AvxVnni.V512.MultiplyWideningAndAdd(sum.ToVector512Unsafe(), codes.ToVector512Unsafe(), x.ToVector512Unsafe()).GetLower();
}
#endif
