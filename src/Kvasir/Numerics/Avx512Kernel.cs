namespace Kvasir.Numerics;

/// <summary>512-bit tiles (<see cref="Avx512NibbleTile"/>) for 4-bit codes and many tokens, and <see cref="Vector256Kernel{TDot}"/> for the rest, where it measures faster.</summary>
internal readonly unsafe struct Avx512Kernel : IPanelKernel
{
    private const int Tile = Avx512NibbleTile.Tokens, Rest = 4;

    public static int MaxTokens(in PackedFormat format) => format.Bits == 4 ? Tile : Vector256Kernel<AvxVnniDot>.MaxTokens(format);

    public static void Multiply(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result)
    {
        if (format.Bits == 4)
        {
            for (; tokens >= Tile; tokens -= Tile, result += Tile * PackedFormat.PanelRows, x = (ActivationBlock*)((byte*)x + Tile * stride))
            {
                if (format.HasMinimum && format.Group == 32) MultiplyTile<Minimum32>(format.ZeroPoint, panel, blocks, x, stride, result);
                else if (format.HasMinimum) MultiplyTile<Minimum16>(format.ZeroPoint, panel, blocks, x, stride, result);
                else if (format.Group == 32) MultiplyTile<Zero32>(format.ZeroPoint, panel, blocks, x, stride, result);
                else MultiplyTile<Zero16>(format.ZeroPoint, panel, blocks, x, stride, result);
            }
        }
        for (; tokens > 0; tokens -= Rest, result += Rest * PackedFormat.PanelRows, x = (ActivationBlock*)((byte*)x + Rest * stride))
            Vector256Kernel<AvxVnniDot>.Multiply(format, panel, blocks, x, stride, Math.Min(tokens, Rest), result);
    }

    private static void MultiplyTile<TForm>(int zeroPoint, byte* panel, int blocks, ActivationBlock* x, nint stride, float* result) where TForm : IForm
    {
        for (int half = 0; half < 2; half++) Avx512NibbleTile.Multiply<TForm>(zeroPoint, panel, half, blocks, (byte*)x, stride, result);
    }
}
