using System.Runtime.Intrinsics;
using Kvasir.Training.Operations;

namespace Kvasir.Benchmarks.Kernels;

/// <summary>
/// Prints what the trainer's products reach of this machine's peak of float32 multiply-adds, which is measured beside each of them.
/// </summary>
internal static class TrainingProducts
{
    private const double Seconds = 0.5;

    private static readonly (int Rows, int Inputs, int Outputs)[] Shapes =
        [(1024, 576, 576), (1024, 576, 192), (1024, 576, 1536), (1024, 1536, 576), (2048, 192, 512), (256, 576, 49152)];

    public static int Run(string[] args)
    {
        int threads = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1;
        using var crew = new Crew(threads);
        foreach ((int rows, int inputs, int outputs) in Shapes)
        {
            var size = new ProductSize(rows, inputs, outputs);
            float[] x = Numbers(rows * inputs), w = Numbers(inputs * outputs), y = Numbers(rows * outputs);
            (string Name, Action<Worker> Program)[] products =
            [
                ("forward", worker => Products.Forward(worker, size, x, w, y)),
                ("dx", worker => Products.BackwardInput(worker, size, y, w, x)),
                ("dw", worker => Products.BackwardWeight(worker, size, y, x, w)),
            ];
            foreach ((string name, Action<Worker> program) in products)
            {
                double peak = threads * 2.0 * PeakSteps * PeakVectors * Vector512<float>.Count
                    / Timing.Best(Seconds, () => crew.Run(_ => Peak(PeakSteps))) * 1e-9;
                double speed = 2.0 * rows * inputs * outputs / Timing.Best(Seconds, () => crew.Run(program)) * 1e-9;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{rows} x {inputs} -> {outputs,-6} {name,-8} {speed,6:f1} GFLOP/s, {100 * speed / peak:f0}% of {peak:f1}"));
            }
        }
        return 0;
    }

    private const int PeakSteps = 200_000, PeakVectors = 12;

    private static float[] Numbers(int count)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) values[i] = i % 7 * 1e-3f;
        return values;
    }

    /// <summary>Twelve sums that do not wait for each other; where there are no 512-bit vectors, of two halves each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Peak(int steps)
    {
        Vector512<float> a = Vector512.Create(0.999f), b = Vector512.Create(1e-3f);
        Vector512<float> s0 = b, s1 = b, s2 = b, s3 = b, s4 = b, s5 = b, s6 = b, s7 = b, s8 = b, s9 = b, s10 = b, s11 = b;
        for (int i = 0; i < steps; i++)
        {
            s0 = Vector512.FusedMultiplyAdd(s0, a, b); s1 = Vector512.FusedMultiplyAdd(s1, a, b); s2 = Vector512.FusedMultiplyAdd(s2, a, b);
            s3 = Vector512.FusedMultiplyAdd(s3, a, b); s4 = Vector512.FusedMultiplyAdd(s4, a, b); s5 = Vector512.FusedMultiplyAdd(s5, a, b);
            s6 = Vector512.FusedMultiplyAdd(s6, a, b); s7 = Vector512.FusedMultiplyAdd(s7, a, b); s8 = Vector512.FusedMultiplyAdd(s8, a, b);
            s9 = Vector512.FusedMultiplyAdd(s9, a, b);
            s10 = Vector512.FusedMultiplyAdd(s10, a, b);
            s11 = Vector512.FusedMultiplyAdd(s11, a, b);
        }
        return Vector512.Sum(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11);
    }
}
