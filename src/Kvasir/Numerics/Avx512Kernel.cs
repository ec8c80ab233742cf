namespace Kvasir.Numerics;

/// <summary>
/// <see cref="Avx512NibbleTile"/> for 4-bit codes and more than one token, and <see cref="Vector256Kernel{TDot}"/> for all else:
/// .NET has the u8 x s8 dot product at 256 bits only, which is faster than 512-bit sums of int16 products for 8-bit codes
/// (joining two of its results to 512 bits for the float part was slower), and as fast as memory for one token.
/// </summary>
internal readonly unsafe struct Avx512Kernel : IPanelKernel
{
    private const int Rest = 4;

    public static int MaxTokens(in PackedFormat format) => format.Bits == 4 ? Avx512NibbleTile.MaxTokens : Rest;

    public static void Multiply(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result)
    {
        for (int done; tokens > 0; tokens -= done, result += done * PackedFormat.PanelRows, x = (ActivationBlock*)((byte*)x + done * stride))
        {
            done = format.Bits == 8 ? Math.Min(tokens, Rest) : tokens >= 16 ? 16 : tokens >= 8 ? 8 : tokens >= 4 ? 4 : tokens >= 2 ? 2 : 1;
            if (format.Bits == 8 || done == 1) Vector256Kernel<AvxVnniDot>.Multiply(format, panel, blocks, x, stride, done, result);
            else if (done == 16) Tile<C16>(format, panel, blocks, x, stride, result);
            else if (done == 8) Tile<C8>(format, panel, blocks, x, stride, result);
            else if (done == 4) Tile<C4>(format, panel, blocks, x, stride, result);
            else Tile<C2>(format, panel, blocks, x, stride, result);
        }
    }

    private static void Tile<TTokens>(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, float* result) where TTokens : IConstant
    {
        for (int half = 0; half < 2; half++)
        {
            if (format.HasMinimum && format.Group == 32) Avx512NibbleTile.Multiply<Minimum32, TTokens>(format, panel, half, blocks, (byte*)x, stride, result);
            else if (format.HasMinimum) Avx512NibbleTile.Multiply<Minimum16, TTokens>(format, panel, half, blocks, (byte*)x, stride, result);
            else if (format.Group == 32) Avx512NibbleTile.Multiply<Zero32, TTokens>(format, panel, half, blocks, (byte*)x, stride, result);
            else Avx512NibbleTile.Multiply<Zero16, TTokens>(format, panel, half, blocks, (byte*)x, stride, result);
        }
    }
}
