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

    /// <summary>x / (1 + e^-1.702x) (CLIP).</summary>
    GeluQuick,
}

/// <summary>Element-wise kernels of the feed-forward layer and soft caps, for one instruction set.</summary>
internal abstract unsafe class FeedForwardKernels
{
    public static FeedForwardKernels For(KernelPath path) => path switch
    {
        KernelPath.Scalar => new FeedForwardKernels<SimdScalar, float>(),
        KernelPath.Vector128 or KernelPath.NeonDot => new FeedForwardKernels<Simd128, Vector128<float>>(),
        >= KernelPath.Avx512 => new FeedForwardKernels<Simd512, Vector512<float>>(),
        _ => new FeedForwardKernels<Simd256, Vector256<float>>(),
    };

    /// <summary>gate[i] = activation(gate[i]), times up[i] where given.</summary>
    public abstract void Gate(Activation activation, float* gate, float* up, int count);

    /// <summary>x = cap * tanh(x / cap) (Gemma 2).</summary>
    public abstract void SoftCap(float* x, int count, float cap);
}

/// <inheritdoc/>
internal sealed unsafe class FeedForwardKernels<TSimd, TVector>
    : FeedForwardKernels where TSimd : struct, ISimd<TVector> where TVector : struct
{
    public override void Gate(Activation activation, float* gate, float* up, int count)
    {
        switch (activation)
        {
            case Activation.Silu: Apply<Silu>(gate, up, count); break;
            case Activation.GeluTanh: Apply<GeluTanh>(gate, up, count); break;
            case Activation.GeluQuick: Apply<GeluQuick>(gate, up, count); break;
            default: Apply<GeluErf>(gate, up, count); break;
        }
    }

    public override void SoftCap(float* x, int count, float cap)
    {
        int i = 0;
        TVector scale = TSimd.Broadcast(cap), inverse = TSimd.Broadcast(1 / cap);
        for (; i <= count - TSimd.Width; i += TSimd.Width)
            TSimd.Store(TSimd.Multiply(Tanh(TSimd.Multiply(TSimd.Load(x + i), inverse)), scale), x + i);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Tanh(TVector x)
    {
        // 1 - 2 / (1 + e^2x)
        TVector e = VectorMath<TSimd, TVector>.Exp(TSimd.Add(x, x));
        TVector one = TSimd.Broadcast(1);
        return TSimd.Subtract(one, TSimd.Divide(TSimd.Broadcast(2), TSimd.Add(one, e)));
    }

    private interface IFunction
    {
        static abstract TVector Of(TVector x);

        static abstract float Of(float x);
    }

    private readonly struct Silu : IFunction
    {
        public static TVector Of(TVector x) =>
            TSimd.Divide(x, TSimd.Add(TSimd.Broadcast(1), VectorMath<TSimd, TVector>.Exp(TSimd.Subtract(TSimd.Broadcast(0), x))));

        public static float Of(float x) => x / (1 + MathF.Exp(-x));
    }

    private readonly struct GeluQuick : IFunction
    {
        private const float Slope = 1.702f;

        public static TVector Of(TVector x) =>
            TSimd.Divide(x, TSimd.Add(TSimd.Broadcast(1), VectorMath<TSimd, TVector>.Exp(TSimd.Multiply(x, TSimd.Broadcast(-Slope)))));

        public static float Of(float x) => x / (1 + MathF.Exp(-Slope * x));
    }

    private readonly struct GeluTanh : IFunction
    {
        private const float Root = 0.7978845608028654f, Cubic = 0.044715f;

        public static TVector Of(TVector x)
        {
            TVector inner = TSimd.Multiply(
                TSimd.Multiply(x, TSimd.Broadcast(Root)),
                TSimd.MultiplyAdd(TSimd.Multiply(x, x), TSimd.Broadcast(Cubic), TSimd.Broadcast(1)));
            return TSimd.Multiply(TSimd.Multiply(x, TSimd.Broadcast(0.5f)), TSimd.Add(TSimd.Broadcast(1), Tanh(inner)));
        }

        public static float Of(float x) => 0.5f * x * (1 + MathF.Tanh(Root * x * (1 + Cubic * x * x)));
    }

    /// <summary>
    /// max(x, 0) - |x|/2 erfc(|x|/sqrt 2), which loses nothing where x/2 (1 + erf) cancels; erfc(z) = (a1 t + ... + a5 t^5) e^-z², t = 1 /
    /// (1 + pz), to 1.5e-7 (Abramowitz and Stegun 7.1.26).
    /// </summary>
    private readonly struct GeluErf : IFunction
    {
        private const float P = 0.3275911f * 0.70710678f, A1 = 0.254829592f, A2 = -0.284496736f, A3 = 1.421413741f, A4 = -1.453152027f,
            A5 = 1.061405429f;

        public static TVector Of(TVector x)
        {
            TVector zero = TSimd.Broadcast(0), magnitude = TSimd.Max(x, TSimd.Subtract(zero, x));
            TVector t = TSimd.Divide(TSimd.Broadcast(1), TSimd.MultiplyAdd(magnitude, TSimd.Broadcast(P), TSimd.Broadcast(1)));
            TVector sum = TSimd.MultiplyAdd(t, TSimd.Broadcast(A5), TSimd.Broadcast(A4));
            sum = TSimd.MultiplyAdd(t, sum, TSimd.Broadcast(A3));
            sum = TSimd.MultiplyAdd(t, sum, TSimd.Broadcast(A2));
            sum = TSimd.Multiply(t, TSimd.MultiplyAdd(t, sum, TSimd.Broadcast(A1)));
            TVector bell = VectorMath<TSimd, TVector>.Exp(TSimd.Multiply(TSimd.Multiply(x, x), TSimd.Broadcast(-0.5f)));
            return TSimd.Subtract(TSimd.Max(x, zero),
                TSimd.Multiply(TSimd.Multiply(magnitude, TSimd.Broadcast(0.5f)), TSimd.Multiply(sum, bell)));
        }

        public static float Of(float x)
        {
            float magnitude = MathF.Abs(x), t = 1 / (1 + P * magnitude);
            float sum = t * (A1 + t * (A2 + t * (A3 + t * (A4 + t * A5))));
            return MathF.Max(x, 0) - 0.5f * magnitude * sum * MathF.Exp(-0.5f * x * x);
        }
    }
}
