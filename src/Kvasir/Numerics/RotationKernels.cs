namespace Kvasir.Numerics;

/// <summary>Keys that are kept before their rotation: rotated into the float form of a block, or on the way into scores.</summary>
internal abstract unsafe class RotationKernels
{
    /// <summary>result [channels, 32]: the keys of each token turned by its angle, or back by it, the channels in their order.</summary>
    public abstract void Rotate(in RotatedRows keys, float* result, bool back = false);

    /// <summary>scores[r, t] = query r · rotated key t; queries [rows, channels], scores [rows, 32] with a stride.</summary>
    public abstract void Scores(in RotatedRows keys, float* queries, int rows, float* scores, int scoresStride);

    /// <summary>Asks for bytes that will be read soon; they need not be there.</summary>
    public abstract void Fetch(byte* address, int bytes);
}

/// <inheritdoc/>
internal sealed unsafe class RotationKernels<TSimd, TVector> : RotationKernels where TSimd : struct, ISimd<TVector> where TVector : struct
{
    private const int MostRows = 6, Tokens = RotaryRuns.Tokens, CacheLine = 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Rotate(in RotatedRows keys, float* result, bool back = false)
    {
        TVector direction = TSimd.Broadcast(back ? -1 : 1);
        for (int j = 0; j < keys.Pairs.Length; j++)
        {
            RotatedPair pair = keys.Pairs[j];
            float* first = keys.Keys + pair.FirstRow * Tokens, second = keys.Keys + pair.SecondRow * Tokens;
            for (int t = 0; t < Tokens; t += TSimd.Width)
            {
                Angles(keys, j, t, out TVector cos, out TVector sin);
                sin = TSimd.Multiply(sin, direction);
                TVector a = TSimd.Load(first + t), b = TSimd.Load(second + t);
                TSimd.Store(TSimd.Subtract(TSimd.Multiply(a, cos), TSimd.Multiply(b, sin)), result + pair.First * Tokens + t);
                TSimd.Store(TSimd.MultiplyAdd(a, sin, TSimd.Multiply(b, cos)), result + pair.Second * Tokens + t);
            }
        }
    }

    public override void Scores(in RotatedRows keys, float* queries, int rows, float* scores, int scoresStride)
    {
        int channels = 2 * keys.Pairs.Length;
        for (int row = 0, count; row < rows; row += count, queries += count * channels, scores += count * scoresStride)
        {
            count = Math.Min(rows - row, MostRows);
            switch (count)
            {
                case 1: Tile<C1>(keys, queries, scores, scoresStride); break;
                case 2: Tile<C2>(keys, queries, scores, scoresStride); break;
                case 3: Tile<C3>(keys, queries, scores, scoresStride); break;
                case 4: Tile<C4>(keys, queries, scores, scoresStride); break;
                case 5: Tile<C5>(keys, queries, scores, scoresStride); break;
                default: Tile<C6>(keys, queries, scores, scoresStride); break;
            }
        }
    }

    public override void Fetch(byte* address, int bytes)
    {
        for (int i = 0; i < bytes; i += CacheLine) TSimd.Prefetch(address + i);
    }

    /// <summary>Rows by two vectors of tokens in registers (one, where that is all tokens); each pair of channels is turned once for all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TRows>(in RotatedRows keys, float* queries, float* scores, int scoresStride) where TRows : IConstant
    {
        ReadOnlySpan<RotatedPair> pairs = keys.Pairs;
        int next = TSimd.Width;
        nint channels = 2 * pairs.Length;
        for (int t = 0; t < Tokens; t += 2 * TSimd.Width)
        {
            TVector zero = TSimd.Broadcast(0), s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero, s40 = zero, s41 = zero, s50 = zero, s51 = zero;
            float* block = keys.Keys + t;
            for (int j = 0; j < pairs.Length; j++)
            {
                RotatedPair pair = pairs[j];
                float* first = block + pair.FirstRow * Tokens, second = block + pair.SecondRow * Tokens, p = queries + pair.First, q = queries + pair.Second;
                Angles(keys, j, t, out TVector cos0, out TVector sin0);
                Angles(keys, j, t + next, out TVector cos1, out TVector sin1);
                TVector a0 = TSimd.Load(first), a1 = TSimd.Load(first + next), b0 = TSimd.Load(second), b1 = TSimd.Load(second + next);
                TVector x0 = TSimd.Subtract(TSimd.Multiply(a0, cos0), TSimd.Multiply(b0, sin0)), x1 = TSimd.Subtract(TSimd.Multiply(a1, cos1), TSimd.Multiply(b1, sin1));
                TVector y0 = TSimd.MultiplyAdd(a0, sin0, TSimd.Multiply(b0, cos0)), y1 = TSimd.MultiplyAdd(a1, sin1, TSimd.Multiply(b1, cos1));
                Add(p, q, x0, x1, y0, y1, ref s00, ref s01);
                if (TRows.Value > 1) Add(p + channels, q + channels, x0, x1, y0, y1, ref s10, ref s11);
                if (TRows.Value > 2) Add(p + 2 * channels, q + 2 * channels, x0, x1, y0, y1, ref s20, ref s21);
                if (TRows.Value > 3) Add(p + 3 * channels, q + 3 * channels, x0, x1, y0, y1, ref s30, ref s31);
                if (TRows.Value > 4) Add(p + 4 * channels, q + 4 * channels, x0, x1, y0, y1, ref s40, ref s41);
                if (TRows.Value > 5) Add(p + 5 * channels, q + 5 * channels, x0, x1, y0, y1, ref s50, ref s51);
            }
            float* result = scores + t;
            Store(s00, s01, result);
            if (TRows.Value > 1) Store(s10, s11, result += scoresStride);
            if (TRows.Value > 2) Store(s20, s21, result += scoresStride);
            if (TRows.Value > 3) Store(s30, s31, result += scoresStride);
            if (TRows.Value > 4) Store(s40, s41, result += scoresStride);
            if (TRows.Value > 5) Store(s50, s51, result + scoresStride);
        }
    }

    /// <summary>One row's products with a turned pair of channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* p, float* q, TVector x0, TVector x1, TVector y0, TVector y1, ref TVector low, ref TVector high)
    {
        TVector ofFirst = TSimd.Broadcast(*p), ofSecond = TSimd.Broadcast(*q);
        low = TSimd.MultiplyAdd(ofSecond, y0, TSimd.MultiplyAdd(ofFirst, x0, low));
        high = TSimd.MultiplyAdd(ofSecond, y1, TSimd.MultiplyAdd(ofFirst, x1, high));
    }

    /// <summary>Cosines and sines of a vector of tokens: those of the start and of the tokens behind it, added as angles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Angles(in RotatedRows keys, int pair, int token, out TVector cos, out TVector sin)
    {
        int pairs = keys.Pairs.Length;
        TVector cosOfStart = TSimd.Broadcast(keys.Start[pair]), sinOfStart = TSimd.Broadcast(keys.Start[pairs + pair]);
        TVector c = TSimd.Load(keys.Tokens + pair * Tokens + token), s = TSimd.Load(keys.Tokens + (pairs + pair) * Tokens + token);
        cos = TSimd.Subtract(TSimd.Multiply(cosOfStart, c), TSimd.Multiply(sinOfStart, s));
        sin = TSimd.MultiplyAdd(sinOfStart, c, TSimd.Multiply(cosOfStart, s));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TVector low, TVector high, float* result)
    {
        TSimd.Store(low, result);
        TSimd.Store(high, result + TSimd.Width);
    }
}
