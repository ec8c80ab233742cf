#if NET11_0_OR_GREATER
namespace Kvasir.Numerics;

/// <summary>
/// For one token, where memory is the limit, <see cref="Vector256Kernel{TDot}"/>; for several <see cref="Avx512Tile{TBits, TDot}"/>.
/// </summary>
internal readonly unsafe struct Avx512DotKernel<TDot> : IPanelKernel where TDot : IDot256
{
    public static int MaxTokens(in PackedFormat format) => Avx512Tile<C8, Avx512VnniDot>.MaxTokens;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result)
    {
        for (int done; tokens > 0; tokens -= done, result += done * PackedFormat.PanelRows,
            x = (ActivationBlock*)((byte*)x + done * stride))
        {
            done = tokens >= 16 ? 16 : tokens >= 8 ? 8 : tokens >= 4 ? 4 : tokens >= 2 ? 2 : 1;
            if (done == 1) Vector256Kernel<TDot>.Multiply(format, panel, blocks, x, stride, 1, result);
            else if (format.Bits == 4) Avx512Tile<C4, Avx512VnniDot>.Multiply(format, panel, blocks, (byte*)x, stride, done, result);
            else Avx512Tile<C8, Avx512VnniDot>.Multiply(format, panel, blocks, (byte*)x, stride, done, result);
        }
    }
}
#endif
