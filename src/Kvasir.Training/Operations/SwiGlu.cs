using System.Numerics;
using System.Numerics.Tensors;

namespace Kvasir.Training.Operations;

/// <summary>
/// h = g σ(g) u with σ(g) = 1 / (1 + e^−g) (Shazeer 2020).
/// Gradients: du = dh g σ, dg = dh u σ (1 + g (1 − σ)).
/// </summary>
internal static class SwiGlu
{
    private const int Chunk = 512;

    public static void Forward(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> hidden)
    {
        TensorPrimitives.Sigmoid(gate, hidden);
        TensorPrimitives.Multiply(hidden, gate, hidden);
        TensorPrimitives.Multiply(hidden, up, hidden);
    }

    /// <summary>The gradients take the place of <paramref name="gate"/> and <paramref name="up"/>.</summary>
    public static void Backward(ReadOnlySpan<float> dh, Span<float> gate, Span<float> up)
    {
        Span<float> sigma = stackalloc float[Chunk];
        for (int first = 0; first < dh.Length; first += Chunk)
        {
            int count = Math.Min(Chunk, dh.Length - first);
            Backward(dh.Slice(first, count), gate.Slice(first, count), up.Slice(first, count), sigma[..count]);
        }
    }

    private static void Backward(ReadOnlySpan<float> dh, Span<float> gate, Span<float> up, Span<float> sigma)
    {
        TensorPrimitives.Sigmoid(gate, sigma);
        int i = 0;
        for (; i <= dh.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> d = new(dh[i..]), g = new(gate[i..]), u = new(up[i..]), s = new(sigma[i..]), silu = g * s;
            (d * silu).CopyTo(up[i..]);
            (d * u * (s + silu * (Vector<float>.One - s))).CopyTo(gate[i..]);
        }
        for (; i < dh.Length; i++)
            (up[i], gate[i]) = (dh[i] * gate[i] * sigma[i], dh[i] * up[i] * sigma[i] * (1 + gate[i] * (1 - sigma[i])));
    }
}
