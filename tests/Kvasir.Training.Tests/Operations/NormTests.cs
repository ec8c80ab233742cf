using Kvasir.Training.Operations;

namespace Kvasir.Training.Tests.Operations;

public sealed class NormTests
{
    private const int Rows = 3, Width = 21;
    private const float Epsilon = 1e-2f;

    private static readonly float[] X = GradientCheck.Random(Rows * Width, 1), Weight = GradientCheck.Random(Width, 2),
        Bias = GradientCheck.Random(Width, 3), Gradient = GradientCheck.Random(Rows * Width, 4);

    private static readonly RowRange[] Columns = [new(0, 16), new(16, 5)];

    [Fact]
    public void RmsNorm_has_the_values_and_gradients_of_its_formula()
    {
        float[] y = new float[X.Length], scales = new float[Rows], dx = [.. Gradient], dw = [.. Weight], dy = [.. Gradient];
        RmsNorm.Forward(X, Weight, Epsilon, y, scales);
        foreach (RowRange columns in Columns) RmsNorm.BackwardWeight(dy, X, scales, columns, dw);
        RmsNorm.BackwardInput(dy, X, Weight, scales, dx);
        GradientCheck.Close(Rms(GradientCheck.Doubles(X), GradientCheck.Doubles(Weight)), y);
        double[] expectedX = GradientCheck.Numeric(X, x => GradientCheck.Weighted(Rms(x, GradientCheck.Doubles(Weight)), Gradient));
        double[] expectedW = GradientCheck.Numeric(Weight, w => GradientCheck.Weighted(Rms(GradientCheck.Doubles(X), w), Gradient));
        GradientCheck.Close([.. expectedX.Zip(Gradient, (e, before) => e + before)], dx);
        GradientCheck.Close([.. expectedW.Zip(Weight, (e, before) => e + before)], dw);
    }

    [Fact]
    public void LayerNorm_has_the_values_and_gradients_of_its_formula()
    {
        float[] y = new float[X.Length], normal = new float[X.Length], scales = new float[Rows];
        float[] dx = [.. Gradient], dw = [.. Weight], db = [.. Bias], dy = [.. Gradient];
        LayerNorm.Forward(X, Weight, Bias, Epsilon, y, normal, scales);
        foreach (RowRange columns in Columns) LayerNorm.BackwardWeight(dy, normal, columns, dw, db);
        LayerNorm.BackwardInput(dy, normal, Weight, scales, dx);
        double[] x = GradientCheck.Doubles(X), w = GradientCheck.Doubles(Weight), b = GradientCheck.Doubles(Bias);
        GradientCheck.Close(Layer(x, w, b), y);
        Added(GradientCheck.Numeric(X, at => GradientCheck.Weighted(Layer(at, w, b), Gradient)), Gradient, dx);
        Added(GradientCheck.Numeric(Weight, at => GradientCheck.Weighted(Layer(x, at, b), Gradient)), Weight, dw);
        Added(GradientCheck.Numeric(Bias, at => GradientCheck.Weighted(Layer(x, w, at), Gradient)), Bias, db);
    }

    private static void Added(double[] expected, float[] before, float[] actual) =>
        GradientCheck.Close([.. expected.Zip(before, (e, b) => e + b)], actual);

    private static double[] Rms(double[] x, double[] weight) => [.. x.Chunk(Width).SelectMany(row =>
    {
        double scale = 1 / Math.Sqrt(row.Average(value => value * value) + Epsilon);
        return row.Zip(weight, (value, w) => value * scale * w);
    })];

    private static double[] Layer(double[] x, double[] weight, double[] bias) => [.. x.Chunk(Width).SelectMany(row =>
    {
        double mean = row.Average(), scale = 1 / Math.Sqrt(row.Average(value => (value - mean) * (value - mean)) + Epsilon);
        return row.Select((value, i) => (value - mean) * scale * weight[i] + bias[i]);
    })];
}
