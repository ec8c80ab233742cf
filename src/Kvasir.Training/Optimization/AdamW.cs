using System.Numerics;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Optimization;

/// <summary>
/// AdamW (Loshchilov and Hutter 2019): m = β₁ m + (1 − β₁) g, v = β₂ v + (1 − β₂) g², w −= rate (m̂ / (√v̂ + ε) + decay w).
/// Matrices decay, vectors do not.
/// </summary>
internal sealed class AdamW
{
    private const float Beta1 = 0.9f, Beta2 = 0.95f, Epsilon = 1e-8f;

    private readonly ParameterChunks _chunks;
    private readonly IReadOnlyList<(float[] First, float[] Second)> _moments;

    public AdamW(IReadOnlyList<Parameter> parameters)
    {
        _chunks = new ParameterChunks(parameters);
        _moments = [.. parameters.Select(parameter => (new float[parameter.Values.Length], new float[parameter.Values.Length]))];
    }

    /// <summary>The running means of each parameter's gradient and of its square.</summary>
    public IEnumerable<float[]> State => _moments.SelectMany(moments => new[] { moments.First, moments.Second });

    /// <summary>One step over all parameters.</summary>
    /// <param name="worker">One of all, who run this together.</param>
    /// <param name="step">Steps including this one, from 1.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="decay">Weight decay.</param>
    /// <param name="scale">Factor of the gradients.</param>
    public void Step(Worker worker, int step, float rate, float decay, float scale)
    {
        foreach (int task in worker.Tasks(_chunks.Count)) Update(task, scale, step, rate, decay);
    }

    private void Update(int task, float scale, int step, float rate, float decay)
    {
        Parameter parameter = _chunks.Parameter(task);
        (float[] means, float[] squares) = _moments[_chunks.ParameterIndex(task)];
        Span<float> w = _chunks.Of(task, parameter.Values), g = _chunks.Of(task, parameter.Gradient);
        Span<float> m = _chunks.Of(task, means), v = _chunks.Of(task, squares);
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
    }
}
