using System.Runtime.CompilerServices;

namespace Kvasir.Numerics;

/// <summary>
/// <see cref="Avx512NibbleTile"/> and <see cref="Avx512ByteTile"/> for several tokens, and <see cref="Vector256Kernel{TDot}"/> for one,
/// where memory is the limit, and for what is left of 8-bit tiles.
/// </summary>
internal readonly unsafe struct Avx512Kernel : IPanelKernel
{
    public static int MaxTokens(in PackedFormat format) => format.Bits == 4 ? Avx512NibbleTile.MaxTokens : Avx512ByteTile.Tokens;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result)
    {
        for (int done; tokens > 0; tokens -= done, result += done * PackedFormat.PanelRows, x = (ActivationBlock*)((byte*)x + done * stride))
        {
            done = TileTokens(format.Bits, tokens);
            if (format.HasMinimum && format.Group == 32) Tile<Minimum32>(format, panel, blocks, x, stride, done, result);
            else if (format.HasMinimum) Tile<Minimum16>(format, panel, blocks, x, stride, done, result);
            else if (format.Group == 32) Tile<Zero32>(format, panel, blocks, x, stride, done, result);
            else Tile<Zero16>(format, panel, blocks, x, stride, done, result);
        }
    }

    private static int TileTokens(int bits, int tokens)
    {
        if (bits == 8) return tokens >= Avx512ByteTile.Tokens ? Avx512ByteTile.Tokens : Math.Min(tokens, 4);
        return tokens >= 16 ? 16 : tokens >= 8 ? 8 : tokens >= 4 ? 4 : tokens >= 2 ? 2 : 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TForm>(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result) where TForm : IForm
    {
        bool nibbles = format.Bits == 4;
        if (tokens == 1 || (!nibbles && tokens < Avx512ByteTile.Tokens))
        {
            Vector256Kernel<AvxVnniDot>.Multiply(format, panel, blocks, x, stride, tokens, result);
            return;
        }
        for (int half = 0; half < 2; half++)
        {
            if (!nibbles) Avx512ByteTile.Multiply<TForm>(format, panel, half, blocks, (byte*)x, stride, result);
            else if (tokens == 16) Avx512NibbleTile.Multiply<TForm, C16>(format, panel, half, blocks, (byte*)x, stride, result);
            else if (tokens == 8) Avx512NibbleTile.Multiply<TForm, C8>(format, panel, half, blocks, (byte*)x, stride, result);
            else if (tokens == 4) Avx512NibbleTile.Multiply<TForm, C4>(format, panel, half, blocks, (byte*)x, stride, result);
            else Avx512NibbleTile.Multiply<TForm, C2>(format, panel, half, blocks, (byte*)x, stride, result);
        }
    }
}
