namespace Kvasir.Numerics;

/// <summary>512-bit tiles (<see cref="Avx512NibbleTile"/>) for 4-bit codes and many tokens, and <see cref="Vector256Kernel{TDot}"/> for the rest, where it measures faster.</summary>
internal readonly unsafe struct Avx512Kernel : IPanelKernel
{
    public static int MaxTokens(in PackedFormat format) => format.Bits == 4 ? 16 : Vector256Kernel<AvxVnniDot>.MaxTokens(format);

    public static void Multiply(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result)
    {
        if (format.Bits == 4)
        {
            for (int tile; tokens >= 8; tokens -= tile, result += tile * PackedFormat.PanelRows, x = (ActivationBlock*)((byte*)x + tile * stride))
            {
                tile = tokens >= 16 ? 16 : 8;
                if (format.HasMinimum && format.Group == 32) Tile<Minimum32>(format.ZeroPoint, panel, blocks, x, stride, tile, result);
                else if (format.HasMinimum) Tile<Minimum16>(format.ZeroPoint, panel, blocks, x, stride, tile, result);
                else if (format.Group == 32) Tile<Zero32>(format.ZeroPoint, panel, blocks, x, stride, tile, result);
                else Tile<Zero16>(format.ZeroPoint, panel, blocks, x, stride, tile, result);
            }
        }
        const int Rest = 4;
        for (; tokens > 0; tokens -= Rest, result += Rest * PackedFormat.PanelRows, x = (ActivationBlock*)((byte*)x + Rest * stride))
            Vector256Kernel<AvxVnniDot>.Multiply(format, panel, blocks, x, stride, Math.Min(tokens, Rest), result);
    }

    private static void Tile<TForm>(int zeroPoint, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result) where TForm : IForm
    {
        for (int half = 0; half < 2; half++)
        {
            if (tokens == 16) Avx512NibbleTile.Multiply<TForm, C16>(zeroPoint, panel, half, blocks, (byte*)x, stride, result);
            else Avx512NibbleTile.Multiply<TForm, C8>(zeroPoint, panel, half, blocks, (byte*)x, stride, result);
        }
    }
}
