using Kvasir.Formats;

namespace Kvasir.Numerics;

/// <summary>Weights [rows, columns] packed once for products with <see cref="Activations"/>. Immutable; used by many threads.</summary>
internal abstract unsafe class WeightMatrix : IDisposable
{
    public abstract int Rows { get; }

    public abstract int Columns { get; }

    /// <summary>Bytes held.</summary>
    public abstract long Bytes { get; }

    /// <summary>Work is split between threads at multiples of this many rows.</summary>
    public abstract int RowGranularity { get; }

    /// <summary>Whether <see cref="Multiply"/> reads the int8 form of its activations (else the floats).</summary>
    public abstract bool ReadsInt8 { get; }

    /// <summary>Packs a tensor of any type. With <paramref name="float32"/> the weights are dequantised and multiplied in float32.</summary>
    public static WeightMatrix Pack(Tensor tensor, bool float32, KernelPath path) => throw new NotImplementedException();

    /// <summary>
    /// output[t * stride + r] (=, or += with <paramref name="accumulate"/>) sum over c of W[r, c] x[firstToken + t, c], plus bias[r] where given,
    /// for t in [0, tokens) and r in [firstRow, endRow).
    /// </summary>
    public abstract void Multiply(Activations x, int firstToken, int tokens, int firstRow, int endRow, float* output, long stride, float* bias, bool accumulate);

    /// <summary>One row, dequantised (embedding look-up).</summary>
    public abstract void ReadRow(int row, Span<float> destination);

    public abstract void Dispose();
}
