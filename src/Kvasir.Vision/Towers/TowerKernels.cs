using Kvasir.Models;
using Kvasir.Numerics;

namespace Kvasir.Vision.Towers;

/// <summary>The engine's kernels and threads, as an image encoder uses them.</summary>
internal sealed unsafe class TowerKernels : IDisposable
{
    private readonly WorkerPool _workers;

    public TowerKernels(ModelOptions options)
    {
        Float32 = options.Compute == ComputeMode.Float32;
        Path = options.Kernels ?? KernelPaths.Choose();
        _workers = new WorkerPool(options.Threads > 0 ? options.Threads : PhysicalCores.Count());
        (Attention, FeedForward) = (AttentionKernels.For(Path, Float32), FeedForwardKernels.For(Path));
    }

    /// <summary>Whether activations stay in float32 whatever the weights are kept in.</summary>
    public bool Float32 { get; }

    public KernelPath Path { get; }

    public AttentionKernels Attention { get; }

    public FeedForwardKernels FeedForward { get; }

    /// <summary>Does [0, count) on all threads, in ranges cut at multiples of <paramref name="unit"/>.</summary>
    public void Split(int count, int unit, Action<int, int> body) => _workers.Run(worker =>
    {
        int units = (count + unit - 1) / unit, first = Math.Min(units * worker / _workers.Running * unit, count),
            end = Math.Min(units * (worker + 1) / _workers.Running * unit, count);
        if (first < end) body(first, end);
    });

    /// <summary>output[t, r] (= or +=) sum over c of W[r, c] x[t, c], plus the bias.</summary>
    /// <param name="linear">W [rows, columns] and its bias.</param>
    /// <param name="x">[tokens, columns]; its int8 form is made where the weights read that.</param>
    /// <param name="output">[tokens, stride]</param>
    /// <param name="stride">Floats between two tokens' outputs.</param>
    /// <param name="accumulate">Adds instead of writing.</param>
    public void Multiply(Linear linear, Activations x, float* output, long stride, bool accumulate = false)
    {
        if (linear.Matrix.ReadsInt8) Split(x.Tokens, 1, (first, end) => x.Quantize(first, end, 0, x.Columns));
        Split(linear.Matrix.Rows, linear.Matrix.RowGranularity, (first, end) =>
        {
            fixed (float* bias = linear.Bias) linear.Matrix.Multiply(x, 0, x.Tokens, first, end, new(output, stride), bias, accumulate);
        });
    }

    /// <summary>The activation function, in place.</summary>
    public void Apply(Activation activation, Activations x) => Split(x.Tokens, 1, (first, end) =>
    {
        for (int row = first; row < end; row++) FeedForward.Gate(activation, x.Row(row), null, x.Columns);
    });

    public void Dispose() => _workers.Dispose();
}
