using System.Diagnostics;
using System.Globalization;
using Kvasir.Formats;
using Kvasir.Memory;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Benchmarks.Kernels;

/// <summary>Prints, for one thread, GOPS of prefill products and GB/s of decode products per type and path, beside memcpy: best of many short runs.</summary>
internal static unsafe class KernelThroughput
{
    public static int Run(string[] args)
    {
        using WorkerPool one = new(1), two = new(2);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"memcpy {MemcpyBandwidth(one):f1} {MemcpyBandwidth(two):f1} GB/s (bytes read)"));
        foreach (var type in new[] { TensorType.Q4_1, TensorType.Q4_0, TensorType.Q8_0, TensorType.Q6_K })
        {
            foreach (var path in new[] { KernelPath.AvxVnni, KernelPath.Avx512 })
            {
                Console.Write($"{type,-7} {path,-8}");
                foreach (int tokens in new[] { 1, 2, 4, 8, 16, 32, 64, 512 })
                    Console.Write(string.Create(CultureInfo.InvariantCulture, $" {tokens}:{Gops(type, path, 576, 1536, tokens),5:f0}"));
                Console.Write(string.Create(CultureInfo.InvariantCulture, $" | 1536x576 {Gops(type, path, 1536, 768, 512),5:f0} GOPS | decode {DecodeBandwidth(type, path, one):f1} {DecodeBandwidth(type, path, two):f1} GB/s"));
                Console.WriteLine();
            }
        }
        return 0;
    }

    private static double Gops(TensorType type, KernelPath path, int rows, int columns, int tokens)
    {
        using var buffer = Random(type, rows, columns);
        using var matrix = WeightMatrix.Pack(Tensor(type, rows, columns, buffer), false, path);
        using var x = new Activations(tokens, columns);
        for (int t = 0; t < tokens; t++) for (int c = 0; c < columns; c++) x.Row(t)[c] = MathF.Sin(t * 7 + c);
        x.Quantize(0, tokens, 0, columns);
        using var output = new NativeBuffer((long)tokens * rows * sizeof(float));
        double seconds = Best(0.15, () => matrix.Multiply(x, 0, tokens, 0, rows, (float*)output.Pointer, rows, null, false));
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
        return matrix.Bytes / Best(0.4, () => pool.Run(worker => matrix.Multiply(x, 0, 1, worker * share, (worker + 1) * share, (float*)output.Pointer, Rows, null, false))) * 1e-9;
    }

    private static double MemcpyBandwidth(WorkerPool pool)
    {
        const int Length = 128 << 20;
        using var source = new NativeBuffer(Length);
        using var target = new NativeBuffer(Length);
        int share = Length / pool.Workers;
        return Length / Best(0.5, () => pool.Run(worker => Buffer.MemoryCopy(source.Pointer + worker * share, target.Pointer + worker * share, share, share))) * 1e-9;
    }

    private static double Best(double budget, Action action)
    {
        action();
        double best = double.MaxValue;
        var total = Stopwatch.StartNew();
        do
        {
            long start = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        while (total.Elapsed.TotalSeconds < budget);
        return best;
    }

    private static (int Length, int Bytes) Block(TensorType type) => type switch
    {
        TensorType.Q4_1 => (32, 20), TensorType.Q4_0 => (32, 18), TensorType.Q8_0 => (32, 34), TensorType.Q6_K => (256, 210), _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private static NativeBuffer Random(TensorType type, int rows, int columns)
    {
        var (length, bytes) = Block(type);
        var buffer = new NativeBuffer((long)rows * columns / length * bytes);
        var random = new Random(1);
        for (long i = 0; i < buffer.Length; i += 1 << 20) random.NextBytes(buffer.Span<byte>(i, (int)Math.Min(1 << 20, buffer.Length - i)));
        for (long i = 0; i < buffer.Length; i++) if (i % 2 == 1 && (buffer.Pointer[i] & 0x7C) == 0x7C) buffer.Pointer[i] &= 0x3F;
        return buffer;
    }

    private static Tensor Tensor(TensorType type, int rows, int columns, NativeBuffer buffer) => new("w", type, [rows, columns], buffer.Pointer, buffer.Length);
}
