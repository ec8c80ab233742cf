namespace Kvasir.Numerics;

/// <summary>Transcendental functions on vectors.</summary>
internal static class VectorMath<TSimd, TVector> where TSimd : struct, ISimd<TVector> where TVector : struct
{
    /// <summary>
    /// e^x: x = n ln 2 + r with |r| at most ln 2 / 2, a polynomial of degree 6 in r (Taylor, relative error below 2e-7), times 2^n.
    /// Below -87.3 it gives 0 or the smallest normal number, above 88 the value at 88.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp(TVector x)
    {
        x = TSimd.Min(TSimd.Max(x, TSimd.Broadcast(-87.3f)), TSimd.Broadcast(88f));
        TVector n = TSimd.Round(TSimd.Multiply(x, TSimd.Broadcast(1.44269504f)));
        TVector r = TSimd.MultiplyAdd(n, TSimd.Broadcast(-0.693359375f), x);
        r = TSimd.MultiplyAdd(n, TSimd.Broadcast(2.12194440e-4f), r);
        TVector p = TSimd.Broadcast(1f / 720);
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(1f / 120));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(1f / 24));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(1f / 6));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(0.5f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(1f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(1f));
        return TSimd.Multiply(p, TSimd.PowerOfTwo(n));
    }

    /// <summary>
    /// e^x for x at most 0, in fewer steps: 2^(x / ln 2) with a polynomial of degree 6 in the fraction (Taylor). The relative error grows
    /// with |x| to 4e-6 at -69, where the value is nothing beside e^0; below that it stays 2^-100, far from the subnormal numbers that
    /// vector units are slow with.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector ExpOfNegative(TVector x)
    {
        x = TSimd.Max(TSimd.Multiply(x, TSimd.Broadcast(1.44269504f)), TSimd.Broadcast(-100f));
        TVector n = TSimd.Round(x), f = TSimd.Subtract(x, n);
        TVector p = TSimd.Broadcast(1.54035304e-4f);
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(1.33335581e-3f));
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(9.61812911e-3f));
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(5.55041087e-2f));
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(2.40226507e-1f));
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(6.93147181e-1f));
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(1f));
        return TSimd.TimesPowerOfTwo(p, n);
    }
}
