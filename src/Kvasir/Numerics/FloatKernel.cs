using System.Runtime.CompilerServices;

namespace Kvasir.Numerics;

/// <summary>How a float weight is stored and read; the factor is for halves only (see <see cref="HalfVectors"/>).</summary>
internal unsafe interface IFloatElement
{
    public static abstract int Bytes { get; }

    public static abstract TVector Load<TOps, TVector>(byte* source, TVector factor) where TOps : IVectorOps<TVector>;
}

internal readonly unsafe struct SingleElement : IFloatElement
{
    public static int Bytes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TOps, TVector>(byte* source, TVector factor) where TOps : IVectorOps<TVector> => TOps.LoadSingle((float*)source);
}

internal readonly unsafe struct HalfElement : IFloatElement
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TOps, TVector>(byte* source, TVector factor) where TOps : IVectorOps<TVector> => TOps.LoadHalf((ushort*)source, factor);
}

internal readonly unsafe struct BFloat16Element : IFloatElement
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TOps, TVector>(byte* source, TVector factor) where TOps : IVectorOps<TVector> => TOps.LoadBFloat16((ushort*)source);
}

/// <summary>Products of a panel of 32 float rows, stored column by column, with float activations: two vectors of rows x up to 6 tokens in registers.</summary>
internal unsafe interface IFloatKernel
{
    public static abstract void Multiply<TElement>(byte* panel, float factor, int columns, float* x, nint stride, int tokens, float* result) where TElement : IFloatElement;
}

/// <inheritdoc cref="IFloatKernel"/>
internal readonly unsafe struct FloatKernel<TOps, TVector> : IFloatKernel where TOps : IVectorOps<TVector>
{
    public const int MaxTokens = 6;

    public static void Multiply<TElement>(byte* panel, float factor, int columns, float* x, nint stride, int tokens, float* result) where TElement : IFloatElement
    {
        for (int row = 0; row < PackedFormat.PanelRows; row += 2 * TOps.Width)
        {
            byte* rows = panel + row * TElement.Bytes;
            switch (tokens)
            {
                case 1: One<TElement>(rows, TOps.Create(factor), columns, x, result + row); break;
                case 2: Tile<TElement, C2>(rows, TOps.Create(factor), columns, x, stride, result + row); break;
                case 3: Tile<TElement, C3>(rows, TOps.Create(factor), columns, x, stride, result + row); break;
                case 4: Tile<TElement, C4>(rows, TOps.Create(factor), columns, x, stride, result + row); break;
                case 5: Tile<TElement, C5>(rows, TOps.Create(factor), columns, x, stride, result + row); break;
                default: Tile<TElement, C6>(rows, TOps.Create(factor), columns, x, stride, result + row); break;
            }
        }
    }

    /// <summary>One token: four columns at a time, for as many sums in flight as the multiply-add's latency asks for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One<TElement>(byte* rows, TVector factor, int columns, float* x, float* result) where TElement : IFloatElement
    {
        int step = PackedFormat.PanelRows * TElement.Bytes, width = TOps.Width * TElement.Bytes;
        TVector s00 = TOps.Create(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
        int column = 0;
        for (; column <= columns - 4; column += 4, rows += 4 * step)
        {
            TVector a0 = TOps.Create(x[column]), a1 = TOps.Create(x[column + 1]), a2 = TOps.Create(x[column + 2]), a3 = TOps.Create(x[column + 3]);
            s00 = TOps.MultiplyAdd(TElement.Load<TOps, TVector>(rows, factor), a0, s00);
            s01 = TOps.MultiplyAdd(TElement.Load<TOps, TVector>(rows + width, factor), a0, s01);
            s10 = TOps.MultiplyAdd(TElement.Load<TOps, TVector>(rows + step, factor), a1, s10);
            s11 = TOps.MultiplyAdd(TElement.Load<TOps, TVector>(rows + step + width, factor), a1, s11);
            s20 = TOps.MultiplyAdd(TElement.Load<TOps, TVector>(rows + 2 * step, factor), a2, s20);
            s21 = TOps.MultiplyAdd(TElement.Load<TOps, TVector>(rows + 2 * step + width, factor), a2, s21);
            s30 = TOps.MultiplyAdd(TElement.Load<TOps, TVector>(rows + 3 * step, factor), a3, s30);
            s31 = TOps.MultiplyAdd(TElement.Load<TOps, TVector>(rows + 3 * step + width, factor), a3, s31);
        }
        for (; column < columns; column++, rows += step)
        {
            var a = TOps.Create(x[column]);
            s00 = TOps.MultiplyAdd(TElement.Load<TOps, TVector>(rows, factor), a, s00);
            s01 = TOps.MultiplyAdd(TElement.Load<TOps, TVector>(rows + width, factor), a, s01);
        }
        TOps.Store(TOps.Add(TOps.Add(s00, s10), TOps.Add(s20, s30)), result);
        TOps.Store(TOps.Add(TOps.Add(s01, s11), TOps.Add(s21, s31)), result + TOps.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TElement, TTokens>(byte* rows, TVector factor, int columns, float* x, nint stride, float* result) where TElement : IFloatElement where TTokens : IConstant
    {
        int step = PackedFormat.PanelRows * TElement.Bytes, width = TOps.Width * TElement.Bytes;
        float* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride, x4 = x3 + stride, x5 = x4 + stride;
        TVector zero = TOps.Create(0), s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero;
        TVector s30 = zero, s31 = zero, s40 = zero, s41 = zero, s50 = zero, s51 = zero;
        for (nint column = 0; column < columns; column++, rows += step)
        {
            var w0 = TElement.Load<TOps, TVector>(rows, factor);
            var w1 = TElement.Load<TOps, TVector>(rows + width, factor);
            var a = TOps.Create(x[column]);
            s00 = TOps.MultiplyAdd(w0, a, s00); s01 = TOps.MultiplyAdd(w1, a, s01);
            if (TTokens.Value > 1) { a = TOps.Create(x1[column]); s10 = TOps.MultiplyAdd(w0, a, s10); s11 = TOps.MultiplyAdd(w1, a, s11); }
            if (TTokens.Value > 2) { a = TOps.Create(x2[column]); s20 = TOps.MultiplyAdd(w0, a, s20); s21 = TOps.MultiplyAdd(w1, a, s21); }
            if (TTokens.Value > 3) { a = TOps.Create(x3[column]); s30 = TOps.MultiplyAdd(w0, a, s30); s31 = TOps.MultiplyAdd(w1, a, s31); }
            if (TTokens.Value > 4) { a = TOps.Create(x4[column]); s40 = TOps.MultiplyAdd(w0, a, s40); s41 = TOps.MultiplyAdd(w1, a, s41); }
            if (TTokens.Value > 5) { a = TOps.Create(x5[column]); s50 = TOps.MultiplyAdd(w0, a, s50); s51 = TOps.MultiplyAdd(w1, a, s51); }
        }
        int next = TOps.Width;
        TOps.Store(s00, result); TOps.Store(s01, result + next);
        if (TTokens.Value > 1) { TOps.Store(s10, result + 32); TOps.Store(s11, result + 32 + next); }
        if (TTokens.Value > 2) { TOps.Store(s20, result + 64); TOps.Store(s21, result + 64 + next); }
        if (TTokens.Value > 3) { TOps.Store(s30, result + 96); TOps.Store(s31, result + 96 + next); }
        if (TTokens.Value > 4) { TOps.Store(s40, result + 128); TOps.Store(s41, result + 128 + next); }
        if (TTokens.Value > 5) { TOps.Store(s50, result + 160); TOps.Store(s51, result + 160 + next); }
    }
}
