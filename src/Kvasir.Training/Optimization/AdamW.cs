using System.Numerics;
using System.Numerics.Tensors;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Optimization;

/// <summary>
/// AdamW (Loshchilov and Hutter 2019) with the gradients' global norm clipped (Pascanu et al. 2013): m = β₁ m + (1 − β₁) g,
/// v = β₂ v + (1 − β₂) g², w −= rate (m̂ / (√v̂ + ε) + decay w). Matrices decay, vectors do not.
/// </summary>
internal sealed class AdamW
{
    private const float Beta1 = 0.9f, Beta2 = 0.95f, Epsilon = 1e-8f;

    /// <summary>Floats of a task.</summary>
    private const int Chunk = 1 << 14;

    private readonly Parameter[] _parameters;
    private readonly double[] _partial;
    private readonly (int Parameter, int First)[] _chunks;

    public AdamW(LlamaParameters parameters)
    {
        _parameters = [.. parameters.All.Where(parameter => parameter.Trains)];
        Moments = [.. _parameters.Select(parameter => (new float[parameter.Values.Length], new float[parameter.Values.Length]))];
        _chunks = [.. _parameters.SelectMany((parameter, index) =>
            Enumerable.Range(0, (parameter.Values.Length + Chunk - 1) / Chunk).Select(chunk => (index, chunk * Chunk)))];
        _partial = new double[_chunks.Length];
    }

    /// <summary>What is trained, in the order of <see cref="Moments"/>.</summary>
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>The running means of each parameter's gradient and of its square.</summary>
    public IReadOnlyList<(float[] First, float[] Second)> Moments { get; }

    /// <summary>One step over all parameters; gradients are zero afterwards.</summary>
    /// <param name="worker">One of all, who run this together.</param>
    /// <param name="step">Steps including this one, from 1.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="decay">Weight decay.</param>
    /// <param name="clip">The largest norm of all gradients together.</param>
    public void Step(Worker worker, int step, float rate, float decay, float clip)
    {
        foreach (int task in worker.Tasks(_chunks.Length))
            _partial[task] = TensorPrimitives.SumOfSquares<float>(Slice(task, _parameters[_chunks[task].Parameter].Gradient));
        worker.Meet();
        double norm = 0;
        foreach (double sum in _partial) norm += sum;
        norm = Math.Sqrt(norm);
        float scale = norm > clip ? (float)(clip / norm) : 1;
        foreach (int task in worker.Tasks(_chunks.Length)) Update(task, scale, step, rate, decay);
        worker.Meet();
    }

    private void Update(int task, float scale, int step, float rate, float decay)
    {
        int index = _chunks[task].Parameter;
        Parameter parameter = _parameters[index];
        Span<float> w = Slice(task, parameter.Values), g = Slice(task, parameter.Gradient);
        Span<float> m = Slice(task, Moments[index].First), v = Slice(task, Moments[index].Second);
        // Bias correction folded in: m̂ / (√v̂ + ε) = (m / c₁) / (√(v / c₂) + ε).
        float first = 1 / (1 - MathF.Pow(Beta1, step)), second = 1 / (1 - MathF.Pow(Beta2, step));
        float kept = 1 - rate * (parameter.IsVector ? 0 : decay);
        int i = 0;
        for (; i <= w.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> gradient = new Vector<float>(g[i..]) * scale;
            Vector<float> mean = new Vector<float>(m[i..]) * Beta1 + gradient * (1 - Beta1);
            Vector<float> square = new Vector<float>(v[i..]) * Beta2 + gradient * gradient * (1 - Beta2);
            mean.CopyTo(m[i..]);
            square.CopyTo(v[i..]);
            Vector<float> change = mean * first / (Vector.SquareRoot(square * second) + new Vector<float>(Epsilon));
            (new Vector<float>(w[i..]) * kept - change * rate).CopyTo(w[i..]);
        }
        for (; i < w.Length; i++)
        {
            float gradient = g[i] * scale;
            m[i] = m[i] * Beta1 + gradient * (1 - Beta1);
            v[i] = v[i] * Beta2 + gradient * gradient * (1 - Beta2);
            w[i] = w[i] * kept - m[i] * first / (MathF.Sqrt(v[i] * second) + Epsilon) * rate;
        }
        g.Clear();
    }

    private Span<float> Slice(int task, float[] values)
    {
        int first = _chunks[task].First;
        return values.AsSpan(first, Math.Min(Chunk, values.Length - first));
    }
}
