using Kvasir.Formats;
using Kvasir.Memory;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Benchmarks.Kernels;

/// <summary>
/// Prints, for one thread, GOPS of prefill products and GB/s of decode products per type and path, beside memcpy: best of many short runs.
/// </summary>
internal static unsafe class KernelThroughput
{
    public static int Run(string[] args)
    {
        using WorkerPool one = new(1), two = new(2, TimeSpan.MaxValue);
        Print($"memcpy {MemcpyBandwidth(one):f1} GB/s read by one thread, {MemcpyBandwidth(two):f1} by two; ");
        Print($"barrier of two threads {BarrierNanoseconds(two):f0} ns, run {RunNanoseconds(two):f0} ns\n");
        if (args is ["pool"]) return 0;
        TensorType[] types = args.Length > 0 ? [.. args.Select(Enum.Parse<TensorType>)]
            : [TensorType.Q4_1, TensorType.Q4_0, TensorType.Q4_K, TensorType.Q8_0, TensorType.Q6_K, TensorType.F16, TensorType.BF16,
            TensorType.F32];
        foreach (var type in types)
        {
            Print($"{type}: packed at {PackingSpeed(type):f2} GB/s\n");
            foreach (var path in Environment.GetEnvironmentVariable(KernelPaths.Variable) == null
                ? KernelPaths.Supported : [KernelPaths.Choose()])
            {
                Print($"{type,-5} {path,-10} GOPS, 576 x 1536 by tokens");
                foreach (int tokens in new[] { 1, 2, 4, 8, 16, 512 })
                    Print($" {tokens}:{Gops(type, path, 576, 1536, tokens):f0}");
                Print($" | one token from memory {DecodeBandwidth(type, path, one):f1} GB/s");
                Print($", two threads {DecodeBandwidth(type, path, two):f1}\n");
            }
        }
        return 0;
    }

    private static void Print(FormattableString text) => Console.Write(text.ToString(CultureInfo.InvariantCulture));

    private static double PackingSpeed(TensorType type)
    {
        const int Rows = 4096, Columns = 1536;
        using var buffer = Random(type, Rows, Columns);
        return buffer.Length / Timing.Best(0.2, () =>
            WeightMatrix.Pack(Tensor(type, Rows, Columns, buffer), false, KernelPath.Scalar).Dispose()) * 1e-9;
    }

    private static double BarrierNanoseconds(WorkerPool pool)
    {
        const int Count = 200;
        Action<int> body = worker => { for (int i = 0; i < Count; i++) pool.Barrier(worker); };
        return Timing.Best(0.2, () => pool.Run(body)) / Count * 1e9;
    }

    private static double RunNanoseconds(WorkerPool pool)
    {
        const int Count = 50;
        Action<int> body = _ => { };
        return Timing.Best(0.2, () => { for (int i = 0; i < Count; i++) pool.Run(body); }) / Count * 1e9;
    }

    private static double Gops(TensorType type, KernelPath path, int rows, int columns, int tokens)
    {
        using var buffer = Random(type, rows, columns);
        using var matrix = WeightMatrix.Pack(Tensor(type, rows, columns, buffer), false, path);
        using var x = new Activations(tokens, columns);
        for (int t = 0; t < tokens; t++) for (int c = 0; c < columns; c++) x.Row(t)[c] = MathF.Sin(t * 7 + c);
        x.Quantize(0, tokens, 0, columns);
        using var output = new NativeBuffer((long)tokens * rows * sizeof(float));
        double seconds = Timing.Best(0.15, () => matrix.Multiply(x, 0, tokens, 0, rows, new((float*)output.Pointer, rows), null, false));
        return 2e-9 * rows * columns * tokens / seconds;
    }

    private static double DecodeBandwidth(TensorType type, KernelPath path, WorkerPool pool)
    {
        const int Rows = 98304, Columns = 1024;
        using var buffer = Random(type, Rows, Columns);
        using var matrix = WeightMatrix.Pack(Tensor(type, Rows, Columns, buffer), false, path);
        using var x = new Activations(1, Columns);
        x.Quantize(0, 1, 0, Columns);
        using var output = new NativeBuffer((long)Rows * sizeof(float));
        int share = Rows / pool.Workers;
        return matrix.Bytes / Timing.Best(0.4, () =>
            pool.Run(worker =>
                matrix.Multiply(x, 0, 1, worker * share, (worker + 1) * share, new((float*)output.Pointer, Rows), null, false))) * 1e-9;
    }

    private static double MemcpyBandwidth(WorkerPool pool)
    {
        const int Length = 128 << 20;
        using var source = new NativeBuffer(Length);
        using var target = new NativeBuffer(Length);
        int share = Length / pool.Workers;
        return Length / Timing.Best(0.5, () =>
            pool.Run(worker => Buffer.MemoryCopy(source.Pointer + worker * share, target.Pointer + worker * share, share, share))) * 1e-9;
    }

    private static NativeBuffer Random(TensorType type, int rows, int columns)
    {
        var buffer = new NativeBuffer(GgmlBlocks.ByteLength(type, (long)rows * columns));
        var random = new Random(1);
        for (long i = 0; i < buffer.Length; i += 1 << 20) random.NextBytes(buffer.Span<byte>(i, (int)Math.Min(1 << 20, buffer.Length - i)));
        // Scales and floats stay finite whatever their place: no byte pair has all exponent bits set.
        for (long i = 0; i < buffer.Length; i++) buffer.Pointer[i] &= 0xBF;
        return buffer;
    }

    private static Tensor Tensor(TensorType type, int rows, int columns, NativeBuffer buffer) =>
        new("w", type, [rows, columns], buffer.Pointer, buffer.Length);
}
