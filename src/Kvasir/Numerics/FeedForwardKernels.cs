using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Kvasir.Numerics;

/// <summary>The non-linear part of a feed-forward layer.</summary>
internal enum Activation
{
    /// <summary>x / (1 + e^-x).</summary>
    Silu,

    /// <summary>x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x³))).</summary>
    GeluTanh,

    /// <summary>x/2 (1 + erf(x / sqrt 2)).</summary>
    GeluErf,
}

/// <summary>Element-wise kernels of the feed-forward layer and soft caps, for one instruction set.</summary>
internal abstract unsafe class FeedForwardKernels
{
    public static FeedForwardKernels For(KernelPath path) => path switch
    {
        KernelPath.Scalar => new FeedForwardKernels<SimdScalar, float>(),
        KernelPath.Vector128 => new FeedForwardKernels<Simd128, Vector128<float>>(),
        KernelPath.Avx512 => new FeedForwardKernels<Simd512, Vector512<float>>(),
        _ => new FeedForwardKernels<Simd256, Vector256<float>>(),
    };

    /// <summary>gate[i] = activation(gate[i]), times up[i] where given.</summary>
    public abstract void Gate(Activation activation, float* gate, float* up, int count);

    /// <summary>x = cap * tanh(x / cap) (Gemma 2).</summary>
    public abstract void SoftCap(float* x, int count, float cap);
}

/// <inheritdoc/>
internal sealed unsafe class FeedForwardKernels<TSimd, TVector> : FeedForwardKernels where TSimd : struct, ISimd<TVector> where TVector : struct
{
    public override void Gate(Activation activation, float* gate, float* up, int count)
    {
        switch (activation)
        {
            case Activation.Silu: Apply<Silu>(gate, up, count); break;
            case Activation.GeluTanh: Apply<GeluTanh>(gate, up, count); break;
            default: GeluErf(gate, up, count); break;
        }
    }

    public override void SoftCap(float* x, int count, float cap)
    {
        int i = 0;
        TVector scale = TSimd.Broadcast(cap), inverse = TSimd.Broadcast(1 / cap);
        for (; i <= count - TSimd.Width; i += TSimd.Width) TSimd.Store(TSimd.Multiply(Tanh(TSimd.Multiply(TSimd.Load(x + i), inverse)), scale), x + i);
        for (; i < count; i++) x[i] = cap * MathF.Tanh(x[i] / cap);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply<TFunction>(float* gate, float* up, int count) where TFunction : struct, IFunction
    {
        int i = 0;
        for (; i <= count - TSimd.Width; i += TSimd.Width)
        {
            TVector y = TFunction.Of(TSimd.Load(gate + i));
            TSimd.Store(up == null ? y : TSimd.Multiply(y, TSimd.Load(up + i)), gate + i);
        }
        for (; i < count; i++) gate[i] = TFunction.Of(gate[i]) * (up == null ? 1 : up[i]);
    }

    private static void GeluErf(float* gate, float* up, int count)
    {
        for (int i = 0; i < count; i++) gate[i] = (float)(0.5 * gate[i] * (1 + ErrorFunction(gate[i] * 0.70710678118654752))) * (up == null ? 1 : up[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Tanh(TVector x)
    {
        // 1 - 2 / (1 + e^2x)
        TVector e = VectorMath<TSimd, TVector>.Exp(TSimd.Add(x, x));
        TVector one = TSimd.Broadcast(1);
        return TSimd.Subtract(one, TSimd.Divide(TSimd.Broadcast(2), TSimd.Add(one, e)));
    }

    /// <summary>erf by its Maclaurin series for small arguments and the continued fraction of erfc for large ones (Abramowitz and Stegun 7.1.6, 7.1.14), to double rounding.</summary>
    private static double ErrorFunction(double x)
    {
        double magnitude = Math.Abs(x);
        if (magnitude > 6) return Math.Sign(x);
        if (magnitude < 3)
        {
            double term = x, sum = x;
            for (int n = 1; Math.Abs(term) > 1e-17 * Math.Abs(sum); n++) sum += term *= 2 * x * x / (2 * n + 1);
            return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
        }
        double fraction = magnitude;
        for (int n = 40; n > 0; n--) fraction = magnitude + 0.5 * n / fraction;
        return Math.Sign(x) * (1 - Math.Exp(-x * x) / (Math.Sqrt(Math.PI) * fraction));
    }

    private interface IFunction
    {
        static abstract TVector Of(TVector x);

        static abstract float Of(float x);
    }

    private readonly struct Silu : IFunction
    {
        public static TVector Of(TVector x) => TSimd.Divide(x, TSimd.Add(TSimd.Broadcast(1), VectorMath<TSimd, TVector>.Exp(TSimd.Subtract(TSimd.Broadcast(0), x))));

        public static float Of(float x) => x / (1 + MathF.Exp(-x));
    }

    private readonly struct GeluTanh : IFunction
    {
        private const float Root = 0.7978845608028654f, Cubic = 0.044715f;

        public static TVector Of(TVector x)
        {
            TVector inner = TSimd.Multiply(TSimd.Multiply(x, TSimd.Broadcast(Root)), TSimd.MultiplyAdd(TSimd.Multiply(x, x), TSimd.Broadcast(Cubic), TSimd.Broadcast(1)));
            return TSimd.Multiply(TSimd.Multiply(x, TSimd.Broadcast(0.5f)), TSimd.Add(TSimd.Broadcast(1), Tanh(inner)));
        }

        public static float Of(float x) => 0.5f * x * (1 + MathF.Tanh(Root * x * (1 + Cubic * x * x)));
    }
}
