namespace Kvasir.Numerics;

/// <summary>How a float weight is stored and read; the factor is for halves only (see <see cref="HalfVectors"/>).</summary>
internal unsafe interface IFloatElement
{
    public static abstract int Bytes { get; }

    public static abstract TVector Load<TSimd, TVector>(byte* source, TVector factor) where TSimd
        : struct, ISimd<TVector> where TVector : struct;
}

internal readonly unsafe struct SingleElement : IFloatElement
{
    public static int Bytes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TSimd, TVector>(byte* source, TVector factor) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        TSimd.Load((float*)source);
}

internal readonly unsafe struct HalfElement : IFloatElement
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TSimd, TVector>(byte* source, TVector factor) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        TSimd.LoadHalf((ushort*)source, factor);
}

internal readonly unsafe struct BFloat16Element : IFloatElement
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TSimd, TVector>(byte* source, TVector factor) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        TSimd.LoadBFloat16((ushort*)source);
}

/// <summary>
/// A panel of 32 float rows, stored by columns, times float activations: two vectors of rows x up to 6 tokens in registers.
/// </summary>
internal unsafe interface IFloatKernel
{
    public static abstract void Multiply<TElement>(
        byte* panel, float factor, int columns, float* x, nint stride, int tokens, float* result) where TElement : IFloatElement;
}

/// <inheritdoc cref="IFloatKernel"/>
internal readonly unsafe struct FloatKernel<TSimd, TVector> : IFloatKernel where TSimd : struct, ISimd<TVector> where TVector : struct
{
    public const int MaxTokens = 6;

    public static void Multiply<TElement>(
        byte* panel, float factor, int columns, float* x, nint stride, int tokens, float* result) where TElement : IFloatElement
    {
        if (tokens == 1)
        {
            One<TElement>(panel, TSimd.Broadcast(factor), columns, x, result);
            return;
        }
        for (int row = 0; row < PackedFormat.PanelRows; row += 2 * TSimd.Width)
        {
            byte* rows = panel + row * TElement.Bytes;
            switch (tokens)
            {
                case 2: Tile<TElement, C2>(rows, TSimd.Broadcast(factor), columns, x, stride, result + row); break;
                case 3: Tile<TElement, C3>(rows, TSimd.Broadcast(factor), columns, x, stride, result + row); break;
                case 4: Tile<TElement, C4>(rows, TSimd.Broadcast(factor), columns, x, stride, result + row); break;
                case 5: Tile<TElement, C5>(rows, TSimd.Broadcast(factor), columns, x, stride, result + row); break;
                default: Tile<TElement, C6>(rows, TSimd.Broadcast(factor), columns, x, stride, result + row); break;
            }
        }
    }

    /// <summary>
    /// One token: up to four vectors of rows, for as many sums in flight as there can be. Each sum goes through the columns in their order
    /// as in a tile, so that a token's products are the same, bit for bit, whatever is computed beside it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One<TElement>(byte* panel, TVector factor, int columns, float* x, float* result) where TElement : IFloatElement
    {
        int step = PackedFormat.PanelRows * TElement.Bytes, width = TSimd.Width * TElement.Bytes;
        bool four = 4 * TSimd.Width <= PackedFormat.PanelRows;
        for (int row = 0; row < PackedFormat.PanelRows; row += (four ? 4 : 2) * TSimd.Width)
        {
            byte* rows = panel + row * TElement.Bytes;
            TVector s0 = TSimd.Broadcast(0), s1 = s0, s2 = s0, s3 = s0;
            for (int column = 0; column < columns; column++, rows += step)
            {
                var a = TSimd.Broadcast(x[column]);
                s0 = TSimd.MultiplyAdd(TElement.Load<TSimd, TVector>(rows, factor), a, s0);
                s1 = TSimd.MultiplyAdd(TElement.Load<TSimd, TVector>(rows + width, factor), a, s1);
                if (!four) continue;
                s2 = TSimd.MultiplyAdd(TElement.Load<TSimd, TVector>(rows + 2 * width, factor), a, s2);
                s3 = TSimd.MultiplyAdd(TElement.Load<TSimd, TVector>(rows + 3 * width, factor), a, s3);
            }
            TSimd.Store(s0, result + row);
            TSimd.Store(s1, result + row + TSimd.Width);
            if (!four) continue;
            TSimd.Store(s2, result + row + 2 * TSimd.Width);
            TSimd.Store(s3, result + row + 3 * TSimd.Width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TElement, TTokens>(
        byte* rows, TVector factor, int columns, float* x, nint stride, float* result) where TElement
        : IFloatElement where TTokens : IConstant
    {
        int step = PackedFormat.PanelRows * TElement.Bytes, width = TSimd.Width * TElement.Bytes;
        // Addresses of tokens that are not there are never read: TTokens is known when the instance is compiled.
        float* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride, x4 = x3 + stride, x5 = x4 + stride;
        TVector zero = TSimd.Broadcast(0), s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero;
        TVector s30 = zero, s31 = zero, s40 = zero, s41 = zero, s50 = zero, s51 = zero;
        for (nint column = 0; column < columns; column++, rows += step)
        {
            var w0 = TElement.Load<TSimd, TVector>(rows, factor);
            var w1 = TElement.Load<TSimd, TVector>(rows + width, factor);
            var a = TSimd.Broadcast(x[column]);
            s00 = TSimd.MultiplyAdd(w0, a, s00); s01 = TSimd.MultiplyAdd(w1, a, s01);
            if (TTokens.Value > 1)
            {
                a = TSimd.Broadcast(x1[column]);
                s10 = TSimd.MultiplyAdd(w0, a, s10);
                s11 = TSimd.MultiplyAdd(w1, a, s11);
            }
            if (TTokens.Value > 2)
            {
                a = TSimd.Broadcast(x2[column]);
                s20 = TSimd.MultiplyAdd(w0, a, s20);
                s21 = TSimd.MultiplyAdd(w1, a, s21);
            }
            if (TTokens.Value > 3)
            {
                a = TSimd.Broadcast(x3[column]);
                s30 = TSimd.MultiplyAdd(w0, a, s30);
                s31 = TSimd.MultiplyAdd(w1, a, s31);
            }
            if (TTokens.Value > 4)
            {
                a = TSimd.Broadcast(x4[column]);
                s40 = TSimd.MultiplyAdd(w0, a, s40);
                s41 = TSimd.MultiplyAdd(w1, a, s41);
            }
            if (TTokens.Value > 5)
            {
                a = TSimd.Broadcast(x5[column]);
                s50 = TSimd.MultiplyAdd(w0, a, s50);
                s51 = TSimd.MultiplyAdd(w1, a, s51);
            }
        }
        int next = TSimd.Width;
        TSimd.Store(s00, result); TSimd.Store(s01, result + next);
        if (TTokens.Value > 1) { TSimd.Store(s10, result + 32); TSimd.Store(s11, result + 32 + next); }
        if (TTokens.Value > 2) { TSimd.Store(s20, result + 64); TSimd.Store(s21, result + 64 + next); }
        if (TTokens.Value > 3) { TSimd.Store(s30, result + 96); TSimd.Store(s31, result + 96 + next); }
        if (TTokens.Value > 4) { TSimd.Store(s40, result + 128); TSimd.Store(s41, result + 128 + next); }
        if (TTokens.Value > 5) { TSimd.Store(s50, result + 160); TSimd.Store(s51, result + 160 + next); }
    }
}
