using Kvasir.Training.Data;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;
using Kvasir.Training.Optimization;

namespace Kvasir.Training.Runs;

/// <summary>
/// Trains a model step by step: the negative log-likelihood of what comes next, or the divergence from a teacher. Everything is allocated
/// at the start; a step allocates nothing and gives the same bits for any number of threads.
/// </summary>
internal sealed class Trainer
{
    private readonly TrainingSettings _settings;
    private readonly TrainingData _data;
    private readonly Crew _crew;
    private readonly LlamaModel _model;
    private readonly LlamaModel? _teacher;
    private readonly TokenBatch[] _passes;
    private readonly LearningRate _rate;
    private readonly Action<Worker> _step;
    private double _loss;

    /// <param name="settings">How.</param>
    /// <param name="model">What; made for the sequences of a pass.</param>
    /// <param name="data">From what.</param>
    /// <param name="crew">By whom.</param>
    /// <param name="teacher">A model that goes forward only and whose distributions are to be matched.</param>
    public Trainer(TrainingSettings settings, LlamaModel model, TrainingData data, Crew crew, LlamaModel? teacher = null)
    {
        settings.Check();
        (_settings, _model, _data, _crew, _teacher) = (settings, model, data, crew, teacher);
        _passes = [.. Enumerable.Range(0, settings.Passes).Select(_ => new TokenBatch(settings.SequencesOfAPass, settings.Length))];
        _rate = new LearningRate(settings.Rate, settings.WarmUp, settings.Steps);
        Optimizer = new Optimizer(model.Parameters, settings.Optimizer);
        _step = Run;
    }

    public Optimizer Optimizer { get; }

    /// <summary>Steps that are done.</summary>
    public int Steps { get; set; }

    /// <summary>Tokens of a step.</summary>
    public int TokensOfAStep => _settings.Batch * _settings.Length;

    public float LearningRate => _rate.At(Steps);

    /// <summary>One step; the mean loss of its tokens before it.</summary>
    public double Step()
    {
        FillPasses();
        Steps++;
        _loss = 0;
        _crew.Run(_step);
        return _loss;
    }

    private void FillPasses()
    {
        int length = _settings.Length;
        double counted = 0;
        for (int row = 0; row < _settings.Batch; row++)
        {
            TokenBatch batch = _passes[row / _settings.SequencesOfAPass];
            var range = new RowRange(row % _settings.SequencesOfAPass, 1);
            Span<float> weights = range.Of(batch.Weights, length);
            _data.Fill((long)Steps * _settings.Batch + row, range.Of(batch.Ids, length), range.Of(batch.Targets, length), weights);
            foreach (float weight in weights) counted += weight;
        }
        float share = counted == 0 ? 0 : (float)(1 / counted);
        foreach (TokenBatch batch in _passes)
            for (int i = 0; i < batch.Rows; i++) batch.Weights[i] *= share;
    }

    private void Run(Worker worker)
    {
        foreach (TokenBatch batch in _passes)
        {
            _teacher?.Forward(worker, batch.Ids);
            _model.Forward(worker, batch.Ids);
            _model.Learn(worker, batch, _teacher);
            if (worker.IsFirst) _loss += _model.TotalLoss(batch);
        }
        Optimizer.Step(worker, Steps, _rate.At(Steps), _settings.Decay, _settings.Clip);
    }
}
