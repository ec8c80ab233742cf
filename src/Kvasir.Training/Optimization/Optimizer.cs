using System.Numerics.Tensors;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Optimization;

/// <summary>How parameters follow their gradients.</summary>
internal enum OptimizerKind
{
    /// <summary><see cref="Optimization.AdamW"/> for all of them.</summary>
    AdamW,

    /// <summary><see cref="Optimization.Muon"/> for the layers' matrices, AdamW for embeddings and vectors.</summary>
    Muon,
}

/// <summary>One step of all parameters, the norm of all gradients together clipped (Pascanu et al. 2013).</summary>
internal sealed class Optimizer
{
    private readonly Parameter[] _parameters;
    private readonly ParameterChunks _chunks;
    private readonly double[] _partial;
    private readonly Muon _muon;
    private readonly AdamW _adam;

    /// <param name="parameters">All of a model, of which some train.</param>
    /// <param name="kind">How.</param>
    public Optimizer(LlamaParameters parameters, OptimizerKind kind)
    {
        _parameters = [.. parameters.All.Where(parameter => parameter.Trains)];
        _chunks = new ParameterChunks(_parameters);
        _partial = new double[_chunks.Count];
        Parameter[] matrices = kind == OptimizerKind.AdamW ? [] : [.. parameters.Layers.SelectMany(layer => layer.All)
            .Where(parameter => parameter.Trains && !parameter.IsVector)];
        _muon = new Muon(matrices);
        _adam = new AdamW([.. _parameters.Except(matrices)]);
    }

    /// <summary>Everything that changes from step to step, in an order that never does.</summary>
    public IEnumerable<float[]> State => [.. _parameters.Select(parameter => parameter.Values), .. _muon.State, .. _adam.State];

    /// <summary>One step; gradients are zero afterwards.</summary>
    /// <param name="worker">One of all, who run this together.</param>
    /// <param name="step">Steps including this one, from 1.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="decay">Weight decay of matrices.</param>
    /// <param name="clip">The largest norm of all gradients together.</param>
    public void Step(Worker worker, int step, float rate, float decay, float clip)
    {
        foreach (int task in worker.Tasks(_chunks.Count))
            _partial[task] = TensorPrimitives.SumOfSquares<float>(_chunks.Of(task, _chunks.Parameter(task).Gradient));
        worker.Meet();
        double norm = 0;
        foreach (double sum in _partial) norm += sum;
        norm = Math.Sqrt(norm);
        float scale = norm > clip ? (float)(clip / norm) : 1;
        _muon.Step(worker, rate, decay, scale);
        _adam.Step(worker, step, rate, decay, scale);
        worker.Meet();
        foreach (int task in worker.Tasks(_chunks.Count)) _chunks.Of(task, _chunks.Parameter(task).Gradient).Clear();
        worker.Meet();
    }
}
