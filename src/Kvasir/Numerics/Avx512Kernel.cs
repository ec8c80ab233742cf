namespace Kvasir.Numerics;

/// <summary>
/// For one token, where memory is the limit, <see cref="Vector256Kernel{TDot}"/>; for several <see cref="Avx512Tile{TBits, TDot}"/>, and
/// for 8-bit codes <see cref="Avx512SplitByteTile"/>, or where <typeparamref name="TDot"/> sums u8 x s8 in one instruction
/// <see cref="Avx512ByteTile"/>, whose rest is done by the kernel for one.
/// </summary>
internal readonly unsafe struct Avx512Kernel<TDot> : IPanelKernel where TDot : IDot256
{
    public static int MaxTokens(in PackedFormat format) =>
        format.Bits == 4 ? Avx512Tile<C4, Avx512PairDot>.MaxTokens : Avx512ByteTile.Tokens;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result)
    {
        for (int done; tokens > 0; tokens -= done, result += done * PackedFormat.PanelRows,
            x = (ActivationBlock*)((byte*)x + done * stride))
        {
            done = TileTokens(format.Bits, tokens);
            if (done == 1 || (HasByteTile(format.Bits) && done < Avx512ByteTile.Tokens))
                Vector256Kernel<TDot>.Multiply(format, panel, blocks, x, stride, done, result);
            else if (format.Bits == 4) Avx512Tile<C4, Avx512PairDot>.Multiply(format, panel, blocks, (byte*)x, stride, done, result);
            else Bytes(format, panel, blocks, (byte*)x, stride, done, result);
        }
    }

    private static bool HasByteTile(int bits) => bits == 8 && TDot.IsOneInstruction;

    private static int TileTokens(int bits, int tokens)
    {
        if (HasByteTile(bits)) return tokens >= Avx512ByteTile.Tokens ? Avx512ByteTile.Tokens : Math.Min(tokens, 4);
        return tokens >= 16 && bits == 4 ? 16 : tokens >= 8 ? 8 : tokens >= 4 ? 4 : tokens >= 2 ? 2 : 1;
    }

    private static void Bytes(in PackedFormat format, byte* panel, int blocks, byte* x, nint stride, int tokens, float* result)
    {
        if (format.HasMinimum && format.Group == 32) Bytes<Minimum32>(format, panel, blocks, x, stride, tokens, result);
        else if (format.HasMinimum) Bytes<Minimum16>(format, panel, blocks, x, stride, tokens, result);
        else if (format.Group == 32) Bytes<Zero32>(format, panel, blocks, x, stride, tokens, result);
        else Bytes<Zero16>(format, panel, blocks, x, stride, tokens, result);
    }

    private static void Bytes<TForm>(
        in PackedFormat format, byte* panel, int blocks, byte* x, nint stride, int tokens, float* result) where TForm : IForm
    {
        for (int half = 0; half < 2; half++)
        {
            if (TDot.IsOneInstruction) Avx512ByteTile.Multiply<TForm>(format, panel, half, blocks, x, stride, result);
            else if (tokens == 8) Avx512SplitByteTile.Multiply<TForm, C8>(format, panel, half, blocks, x, stride, result);
            else if (tokens == 4) Avx512SplitByteTile.Multiply<TForm, C4>(format, panel, half, blocks, x, stride, result);
            else Avx512SplitByteTile.Multiply<TForm, C2>(format, panel, half, blocks, x, stride, result);
        }
    }
}
