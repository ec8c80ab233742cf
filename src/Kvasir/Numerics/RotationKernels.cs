namespace Kvasir.Numerics;

/// <summary>
/// Keys that are kept before their rotation: rotated into the float form of a block, or on the way into scores. Queries are turned back to
/// the middle of a block first, so that all blocks share the angles of their tokens; a turned query has the first channels of all pairs,
/// then the second ones.
/// </summary>
internal abstract unsafe class RotationKernels
{
    /// <summary>Cosines and sines [2, pairs] of the sum of two angles.</summary>
    public abstract void AddAngles(float* first, float* second, float* sum, int pairs);

    /// <summary>turned [rows, 2, pairs]: queries in the same form, turned back by <paramref name="angles"/> [2, pairs].</summary>
    public abstract void TurnBack(float* queries, int rows, int pairs, float* angles, float* turned);

    /// <summary>
    /// result [channels, 32]: keys turned by <paramref name="start"/> [2, pairs] and the angles of their tokens, or back by them, the
    /// channels in their order.
    /// </summary>
    public abstract void Rotate(in RotatedRows keys, float* start, float* result, bool back = false);

    /// <summary>
    /// scores[r, t] = turned query r · key t, turned by its token's angles, over the pairs from <paramref name="firstPair"/> on; scores
    /// [rows, 32] with a stride.
    /// </summary>
    public abstract void Scores(in RotatedRows keys, int firstPair, float* turned, int rows, float* scores, int scoresStride);

    /// <summary>
    /// What slow pairs add to a score is q · k + d (b q' · k) + ... in the distance d of a token from the middle: result [rows, 3, 2, slow]
    /// holds what is multiplied with their channels, first all first and then all second ones, for each power of d, by
    /// <paramref name="parabolas"/> [3, slow].
    /// </summary>
    public abstract void ByPowers(float* turned, int rows, int pairs, int slow, float* parabolas, float* result);

    /// <summary>scores[r, t] += sum over powers n of d[t]^n products[r, n, t]; products [rows, 3, 32].</summary>
    public abstract void AddPowers(float* products, float* distances, int rows, float* scores, int scoresStride);

    /// <summary>Asks for bytes that will be read soon; they need not be there.</summary>
    public abstract void Fetch(byte* address, int bytes);
}

/// <inheritdoc/>
internal sealed unsafe class RotationKernels<TSimd, TVector> : RotationKernels where TSimd : struct, ISimd<TVector> where TVector : struct
{
    private const int MostRows = 6, Tokens = RotaryRuns.Tokens, CacheLine = 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void AddAngles(float* first, float* second, float* sum, int pairs)
    {
        int j = 0;
        for (; j <= pairs - TSimd.Width; j += TSimd.Width)
            Turn<TSimd, TVector>(
                TSimd.Load(first + j), TSimd.Load(first + pairs + j), second + j, second + pairs + j, 1, sum + j, sum + pairs + j);
        for (; j < pairs; j++)
            Turn<SimdScalar, float>(first[j], first[pairs + j], second + j, second + pairs + j, 1, sum + j, sum + pairs + j);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TurnBack(float* queries, int rows, int pairs, float* angles, float* turned)
    {
        for (int r = 0; r < rows; r++, queries += 2 * pairs, turned += 2 * pairs)
        {
            int j = 0;
            for (; j <= pairs - TSimd.Width; j += TSimd.Width)
                Turn<TSimd, TVector>(
                    TSimd.Load(queries + j), TSimd.Load(queries + pairs + j), angles + j, angles + pairs + j, -1, turned + j,
                    turned + pairs + j);
            for (; j < pairs; j++)
                Turn<SimdScalar, float>(queries[j], queries[pairs + j], angles + j, angles + pairs + j, -1, turned + j, turned + pairs + j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Rotate(in RotatedRows keys, float* start, float* result, bool back = false)
    {
        int pairs = keys.Pairs.Length;
        for (int j = 0; j < pairs; j++)
        {
            RotatedPair pair = keys.Pairs[j];
            float* first = keys.Keys + pair.FirstRow * Tokens, second = keys.Keys + pair.SecondRow * Tokens, cos =
                keys.Tokens + j * Tokens, sin = cos + pairs * Tokens;
            TVector cosOfStart = TSimd.Broadcast(start[j]), sinOfStart = TSimd.Broadcast(start[pairs + j]), direction =
                TSimd.Broadcast(back ? -1 : 1);
            for (int t = 0; t < Tokens; t += TSimd.Width)
            {
                TVector c = TSimd.Load(cos + t), s = TSimd.Load(sin + t), a = TSimd.Load(first + t), b = TSimd.Load(second + t);
                TVector cosine = TSimd.Subtract(TSimd.Multiply(cosOfStart, c), TSimd.Multiply(sinOfStart, s));
                TVector sine = TSimd.Multiply(direction, TSimd.MultiplyAdd(sinOfStart, c, TSimd.Multiply(cosOfStart, s)));
                TSimd.Store(TSimd.Subtract(TSimd.Multiply(a, cosine), TSimd.Multiply(b, sine)), result + pair.First * Tokens + t);
                TSimd.Store(TSimd.MultiplyAdd(a, sine, TSimd.Multiply(b, cosine)), result + pair.Second * Tokens + t);
            }
        }
    }

    public override void Scores(in RotatedRows keys, int firstPair, float* turned, int rows, float* scores, int scoresStride)
    {
        int channels = 2 * keys.Pairs.Length;
        for (int row = 0, count; row < rows; row += count, turned += count * channels, scores += count * scoresStride)
        {
            count = Math.Min(rows - row, MostRows);
            switch (count)
            {
                case 1: Tile<C1>(keys, firstPair, turned, scores, scoresStride); break;
                case 2: Tile<C2>(keys, firstPair, turned, scores, scoresStride); break;
                case 3: Tile<C3>(keys, firstPair, turned, scores, scoresStride); break;
                case 4: Tile<C4>(keys, firstPair, turned, scores, scoresStride); break;
                case 5: Tile<C5>(keys, firstPair, turned, scores, scoresStride); break;
                default: Tile<C6>(keys, firstPair, turned, scores, scoresStride); break;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ByPowers(float* turned, int rows, int pairs, int slow, float* parabolas, float* result)
    {
        for (int r = 0; r < rows; r++, turned += 2 * pairs, result += 2 * RotaryRuns.Powers * slow)
        {
            int j = 0;
            for (; j <= slow - TSimd.Width; j += TSimd.Width)
                ByPowers<TSimd, TVector>(TSimd.Load(turned + j), TSimd.Load(turned + pairs + j), slow, parabolas + j, result + j);
            for (; j < slow; j++) ByPowers<SimdScalar, float>(turned[j], turned[pairs + j], slow, parabolas + j, result + j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void AddPowers(float* products, float* distances, int rows, float* scores, int scoresStride)
    {
        for (int r = 0; r < rows; r++, products += RotaryRuns.Powers * Tokens, scores += scoresStride)
            for (int t = 0; t < Tokens; t += TSimd.Width)
            {
                TVector d = TSimd.Load(distances + t), constant = TSimd.Add(TSimd.Load(scores + t), TSimd.Load(products + t));
                TVector linear = TSimd.MultiplyAdd(d, TSimd.Load(products + 2 * Tokens + t), TSimd.Load(products + Tokens + t));
                TSimd.Store(TSimd.MultiplyAdd(d, linear, constant), scores + t);
            }
    }

    public override void Fetch(byte* address, int bytes)
    {
        for (int i = 0; i < bytes; i += CacheLine) TSimd.Prefetch(address + i);
    }

    /// <summary>Rows by two vectors of tokens in registers; each pair of channels is turned once for all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TRows>(in RotatedRows keys, int firstPair, float* turned, float* scores, int scoresStride)
        where TRows : IConstant
    {
        ReadOnlySpan<RotatedPair> pairs = keys.Pairs;
        int next = TSimd.Width;
        nint count = pairs.Length, channels = 2 * count;
        for (int t = 0; t < Tokens; t += 2 * TSimd.Width)
        {
            TVector zero = TSimd.Broadcast(0), s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 =
                zero, s40 = zero, s41 = zero, s50 = zero, s51 = zero;
            float* block = keys.Keys + t, cos = keys.Tokens + firstPair * Tokens + t, sin = cos + count * Tokens, p =
                turned + firstPair, q = p + count;
            for (int j = firstPair; j < pairs.Length; j++, cos += Tokens, sin += Tokens, p++, q++)
            {
                float* first = block + pairs[j].FirstRow * Tokens, second = block + pairs[j].SecondRow * Tokens;
                TVector c0 = TSimd.Load(cos), c1 = TSimd.Load(cos + next), d0 = TSimd.Load(sin), d1 = TSimd.Load(sin + next);
                TVector a0 = TSimd.Load(first), a1 = TSimd.Load(first + next), b0 = TSimd.Load(second), b1 = TSimd.Load(second + next);
                TVector x0 = TSimd.Subtract(TSimd.Multiply(a0, c0), TSimd.Multiply(b0, d0)), x1 =
                    TSimd.Subtract(TSimd.Multiply(a1, c1), TSimd.Multiply(b1, d1));
                TVector y0 = TSimd.MultiplyAdd(a0, d0, TSimd.Multiply(b0, c0)), y1 = TSimd.MultiplyAdd(a1, d1, TSimd.Multiply(b1, c1));
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TVector low, TVector high, float* result)
    {
        TSimd.Store(low, result);
        TSimd.Store(high, result + TSimd.Width);
    }

    /// <summary>(a, b) turned by an angle, or back by it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn<T, TV>(TV a, TV b, float* cos, float* sin, float direction, float* first, float* second)
        where T : struct, ISimd<TV> where TV : struct
    {
        TV c = T.Load(cos), s = T.Multiply(T.Load(sin), T.Broadcast(direction));
        T.Store(T.Subtract(T.Multiply(a, c), T.Multiply(b, s)), first);
        T.Store(T.MultiplyAdd(a, s, T.Multiply(b, c)), second);
    }

    /// <summary>k turned by d f is k + d f (-k2, k1) - (d f)^2 k / 2, so that of q · k the part with d is f (q2, -q1) · k.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ByPowers<T, TV>(TV a, TV b, int slow, float* parabolas, float* result) where T : struct, ISimd<TV> where TV : struct
    {
        TV constant = T.Load(parabolas), linear = T.Load(parabolas + slow), square = T.Load(parabolas + 2 * slow);
        T.Store(T.Multiply(constant, a), result);
        T.Store(T.Multiply(constant, b), result + slow);
        T.Store(T.Multiply(linear, b), result + 2 * slow);
        T.Store(T.Subtract(T.Broadcast(0), T.Multiply(linear, a)), result + 3 * slow);
        T.Store(T.Multiply(square, a), result + 4 * slow);
        T.Store(T.Multiply(square, b), result + 5 * slow);
    }
}
