using BenchmarkDotNet.Attributes;
using Kvasir.Formats;
using Kvasir.Memory;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Benchmarks.Kernels;

/// <summary>
/// One thread's product of a SmolLM2 feed-forward matrix (576 x 1536) with a few and with many tokens; run with <c>--filter
/// *MatrixProducts*</c>.
/// </summary>
public unsafe class MatrixProducts : IDisposable
{
    private const int Rows = 576, Columns = 1536;

    private NativeBuffer _weights = null!, _output = null!;
    private WeightMatrix _matrix = null!;
    private Activations _x = null!;

    [Params(TensorType.Q4_1, TensorType.Q4_0, TensorType.Q8_0, TensorType.F16)]
    public TensorType Type { get; set; }

    [Params(1, 4, 512)]
    public int Tokens { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _weights = new NativeBuffer(GgmlBlocks.ByteLength(Type, (long)Rows * Columns));
        _output = new NativeBuffer((long)Tokens * Rows * sizeof(float));
        _matrix = WeightMatrix.Pack(new Tensor("w", Type, [Rows, Columns], _weights.Pointer, _weights.Length), false, KernelPaths.Choose());
        _x = new Activations(Tokens, Columns);
        _x.Quantize(0, Tokens, 0, Columns);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _matrix.Dispose();
        _x.Dispose();
        _weights.Dispose();
        _output.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public void Multiply() => _matrix.Multiply(_x, 0, Tokens, 0, Rows, new((float*)_output.Pointer, Rows), null, false);

    [Benchmark]
    public void Quantize() => _x.Quantize(0, Tokens, 0, Columns);
}
