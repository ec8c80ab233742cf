using Kvasir.Numerics;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Tests.Operations;

public sealed class ProductsTests
{
    /// <summary>Rows, inputs, outputs: below, at and beyond the sizes of panels, tiles and depth.</summary>
    public static TheoryData<int, int, int> Sizes => new()
    {
        { 1, 1, 1 }, { 5, 7, 3 }, { 6, 32, 32 }, { 13, 40, 70 }, { 3, 300, 49 }, { 290, 33, 17 }, { 7, 64, 261 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Forward_and_gradients_are_the_sums_of_their_formulas(int rows, int inputs, int outputs)
    {
        float[] x = GradientCheck.Random(rows * inputs, 1), w = GradientCheck.Random(outputs * inputs, 2);
        float[] dy = GradientCheck.Random(rows * outputs, 3), before = GradientCheck.Random(outputs * inputs, 4);
        float[] y = new float[rows * outputs], dx = new float[rows * inputs], dw = [.. before], twice = new float[rows * inputs];
        var size = new ProductSize(rows, inputs, outputs);
        using var crew = new Crew(2);
        crew.Run(worker =>
        {
            Products.Forward(worker, size, x, w, y);
            Products.BackwardInput(worker, size, dy, w, dx);
            Products.BackwardWeight(worker, size, dy, x, dw);
            Products.BackwardInput(worker, size, dy, w, twice);
            worker.Meet();
            Products.BackwardInput(worker, size, dy, w, twice, accumulate: true);
        });
        double[] expectedY = new double[y.Length], expectedX = new double[x.Length], expectedW = GradientCheck.Doubles(before);
        for (int t = 0; t < rows; t++)
            for (int n = 0; n < outputs; n++)
                for (int k = 0; k < inputs; k++)
                {
                    expectedY[t * outputs + n] += (double)x[t * inputs + k] * w[n * inputs + k];
                    expectedX[t * inputs + k] += (double)dy[t * outputs + n] * w[n * inputs + k];
                    expectedW[n * inputs + k] += (double)dy[t * outputs + n] * x[t * inputs + k];
                }
        GradientCheck.Close(expectedY, y);
        GradientCheck.Close(expectedX, dx);
        GradientCheck.Close(expectedW, dw);
        GradientCheck.Close([.. expectedX.Select(value => 2 * value)], twice);
    }

    [Fact]
    public void Columns_of_wider_matrices_are_left_alone_beside_the_product()
    {
        var size = new ProductSize(3, 4, 2) { InputStride = 9, OutputStride = 5 };
        float[] x = GradientCheck.Random(3 * 9, 1), w = GradientCheck.Random(8, 2), y = [.. Enumerable.Repeat(7f, 3 * 5)];
        using var crew = new Crew(1);
        crew.Run(worker => Products.Forward(worker, size, x.AsSpan(2), w, y.AsSpan(1)));
        for (int t = 0; t < 3; t++)
        {
            for (int n = 0; n < 2; n++)
                Assert.Equal(Enumerable.Range(0, 4).Sum(k => (double)x[t * 9 + 2 + k] * w[n * 4 + k]), y[t * 5 + 1 + n], 1e-5);
            Assert.Equal([7f, 7f, 7f], [y[t * 5], y[t * 5 + 3], y[t * 5 + 4]]);
        }
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_bits()
    {
        float[] x = GradientCheck.Random(70 * 300, 1), w = GradientCheck.Random(100 * 300, 2);
        Assert.Equal(Run(1), Run(2));
        Assert.Equal(Run(1), Run(3));

        float[] Run(int threads)
        {
            float[] y = new float[70 * 100], dw = new float[100 * 300];
            using var crew = new Crew(threads);
            var size = new ProductSize(70, 300, 100);
            crew.Run(worker =>
            {
                Products.Forward(worker, size, x, w, y);
                worker.Meet();
                Products.BackwardWeight(worker, size, y, x, dw);
            });
            return [.. y, .. dw];
        }
    }

    [Fact]
    public void Every_instruction_set_of_this_machine_gives_the_product()
    {
        float[] x = GradientCheck.Random(9 * 50, 1), w = GradientCheck.Random(35 * 50, 2);
        double[] expected = new double[9 * 35];
        for (int i = 0; i < expected.Length; i++)
            for (int k = 0; k < 50; k++) expected[i] += (double)x[i / 35 * 50 + k] * w[i % 35 * 50 + k];
        foreach (KernelPath path in KernelPaths.Supported)
        {
            float[] y = new float[9 * 35];
            using var crew = new Crew(1, path);
            crew.Run(worker => Products.Forward(worker, new ProductSize(9, 50, 35), x, w, y));
            GradientCheck.Close(expected, y);
        }
    }

    [Fact]
    public void Spans_that_are_too_short_are_refused()
    {
        using var crew = new Crew(1);
        Assert.Throws<ArgumentException>(() =>
            crew.Run(worker => Products.Forward(worker, new ProductSize(2, 3, 4), new float[6], new float[11], new float[8])));
    }
}
