using Kvasir.Numerics;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Tests.Operations;

public sealed class ElementwiseTests
{
    private static readonly float[] Gradient = GradientCheck.Random(600, 9);

    [Fact]
    public void SwiGlu_has_the_values_and_gradients_of_its_formula()
    {
        float[] gate = GradientCheck.Random(600, 1, 4), up = GradientCheck.Random(600, 2), hidden = new float[600];
        SwiGlu.Forward(gate, up, hidden);
        float[] dGate = [.. gate], dUp = [.. up];
        SwiGlu.Backward(Gradient, dGate, dUp);
        double[] g = GradientCheck.Doubles(gate), u = GradientCheck.Doubles(up);
        GradientCheck.Close(Naive(g, u), hidden);
        GradientCheck.Close(GradientCheck.Numeric(gate, x => GradientCheck.Weighted(Naive(x, u), Gradient)), dGate);
        GradientCheck.Close(GradientCheck.Numeric(up, x => GradientCheck.Weighted(Naive(g, x), Gradient)), dUp);

        static double[] Naive(double[] gate, double[] up) => [.. gate.Zip(up, (x, y) => x / (1 + Math.Exp(-x)) * y)];
    }

    [Fact]
    public void Gelu_has_the_values_and_gradients_of_its_formula()
    {
        float[] x = GradientCheck.Random(600, 1, 4), y = new float[600], dx = [.. Gradient];
        Gelu.Forward(x, y);
        Gelu.Backward(x, dx);
        GradientCheck.Close(Naive(GradientCheck.Doubles(x)), y);
        GradientCheck.Close(GradientCheck.Numeric(x, at => GradientCheck.Weighted(Naive(at), Gradient)), dx);

        static double[] Naive(double[] x) =>
            [.. x.Select(value => 0.5 * value * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (value + 0.044715 * value * value * value))))];
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Rope_turns_pairs_and_its_gradient_turns_back(bool interleaved)
    {
        const int size = 8, position = 5;
        double[] frequencies = [1, 0.3, 0.05];
        var rope = new Rope(new Rotary(frequencies, interleaved, 1.5f), 6);
        float[] x = GradientCheck.Random(2 * size, 1), y = [.. x], dx = Gradient[..(2 * size)], dy = [.. dx];
        rope.Forward(y, size, position);
        rope.Backward(dx, size, position);
        GradientCheck.Close(Naive(GradientCheck.Doubles(x)), y);
        GradientCheck.Close(GradientCheck.Numeric(x, at => GradientCheck.Weighted(Naive(at), dy)), dx);

        double[] Naive(double[] x)
        {
            double[] turned = [.. x];
            for (int head = 0; head < 2; head++)
                for (int j = 0; j < frequencies.Length; j++)
                {
                    (int a, int b) = interleaved ? (2 * j, 2 * j + 1) : (j, j + frequencies.Length);
                    (double cos, double sin) = (1.5 * Math.Cos(position * frequencies[j]), 1.5 * Math.Sin(position * frequencies[j]));
                    turned[head * size + a] = x[head * size + a] * cos - x[head * size + b] * sin;
                    turned[head * size + b] = x[head * size + b] * cos + x[head * size + a] * sin;
                }
            return turned;
        }
    }

    [Fact]
    public void Embedding_gathers_rows_and_its_gradient_adds_up_over_repeated_tokens()
    {
        const int width = 20;
        int[] ids = [3, 0, 3, 4];
        float[] table = GradientCheck.Random(5 * width, 1), x = new float[ids.Length * width], gradient = new float[table.Length];
        Embedding.Forward(table, ids, width, x);
        foreach (RowRange columns in new RowRange[] { new(0, 16), new(16, 4) })
            Embedding.Backward(Gradient.AsSpan(0, x.Length), ids, width, columns, gradient);
        GradientCheck.Close(Naive(GradientCheck.Doubles(table)), x);
        GradientCheck.Close(GradientCheck.Numeric(table, at => GradientCheck.Weighted(Naive(at), Gradient)), gradient);

        double[] Naive(double[] table) => [.. ids.SelectMany(id => table[(id * width)..((id + 1) * width)])];
    }

    [Fact]
    public void CrossEntropy_has_the_value_and_gradient_of_its_formula()
    {
        const float weight = 0.25f;
        float[] logits = GradientCheck.Random(40, 1, 5), gradient = [.. logits];
        float loss = CrossEntropy.Backward(gradient, target: 7, weight);
        Assert.Equal(Naive(GradientCheck.Doubles(logits)), loss, 1e-5);
        GradientCheck.Close(GradientCheck.Numeric(logits, at => weight * Naive(at)), gradient);

        static double Naive(double[] z) => Math.Log(z.Sum(Math.Exp)) - z[7];
    }

    [Fact]
    public void Divergence_has_the_value_and_gradient_of_its_formula()
    {
        const float weight = 0.25f;
        float[] student = GradientCheck.Random(1040, 1, 5), teacher = GradientCheck.Random(1040, 2, 5), gradient = [.. student];
        double[] t = GradientCheck.Doubles(teacher);
        float loss = Divergence.Backward(gradient, [.. teacher], weight);
        Assert.Equal(Naive(GradientCheck.Doubles(student)), loss, 1e-4);
        GradientCheck.Close(GradientCheck.Numeric(student, at => weight * Naive(at)), gradient);
        Assert.Equal(0, Divergence.Backward([.. teacher], [.. teacher], weight), 1e-5f);

        double Naive(double[] z)
        {
            double sum = t.Sum(Math.Exp), other = z.Sum(Math.Exp);
            return t.Zip(z, (a, b) => Math.Exp(a) / sum * (a - Math.Log(sum) - (b - Math.Log(other)))).Sum();
        }
    }
}
