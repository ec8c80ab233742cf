using Kvasir.Models;
using Kvasir.Numerics;
using Kvasir.Quantization;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Runs;

/// <summary>A model from nothing but what it is to learn: trains, and writes what came of it as GGUF.</summary>
internal sealed class ScratchTraining : IDisposable
{
    private readonly ScratchSource _source;
    private readonly LlamaParameters _parameters;
    private readonly LlamaModel _model;
    private readonly LlamaShape _shape;
    private readonly Crew _crew;
    private readonly string _description;

    /// <param name="source">What to learn from.</param>
    /// <param name="settings">Sizes and steps.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="begin">A model to go on with, whose sizes and vocabulary it keeps; null for first weights by chance.</param>
    /// <exception cref="InvalidInputException">Sizes that do not fit together.</exception>
    public ScratchTraining(ScratchSource source, ScratchSettings settings, int threads, LlamaImport? begin = null)
    {
        _source = source;
        TrainingSettings training = settings.Training();
        _shape = begin?.Shape ?? settings.Shape(source.Vocabulary.Tokens.Count);
        _parameters = begin?.Parameters ?? LlamaParameters.Initial(_shape, settings.Seed);
        if (settings.BeginsWithRecall) RecallInitialization.Apply(_shape, _parameters, settings.Seed);
        Rotary rotary = begin?.Rotary ?? new Rotary(RotaryFrequencies.Plain(_shape.RopeBase, _shape.KeySize), interleaved: true);
        _model = new LlamaModel(_shape, _parameters, rotary, training.SequencesOfAPass, settings.Context);
        _crew = new Crew(threads);
        Trainer = new Trainer(training, _model, source.Data, _crew);
        _description = Describe(training);
    }

    /// <summary>Weights of the model.</summary>
    public long Parameters => _parameters.Count;

    public Trainer Trainer { get; }

    /// <summary>How well it does by now on what it does not learn.</summary>
    public Validated Validate() => _source.Validate(_model, _crew);

    public void Save(string path) => Checkpoint.Save(path, _description, Trainer);

    /// <inheritdoc cref="Checkpoint.Load"/>
    public void Resume(string path) => Checkpoint.Load(path, _description, Trainer);

    /// <summary>Writes the model as it is now.</summary>
    public void Export(string path, TensorType type) =>
        GgufExport.Write(path, _shape, _parameters, _source.Vocabulary, type, _source.ChatTemplate);

    public void Dispose() => _crew.Dispose();

    private string Describe(TrainingSettings training) =>
        string.Create(CultureInfo.InvariantCulture, $"""
            a model of its own: version 2
            from: {_source.Identity}
            vocabulary: {_shape.Vocabulary}
            width: {_shape.Width}
            layers: {_shape.Layers}
            heads: {_shape.Heads}
            kv heads: {_shape.KvHeads}
            channels of a key: {_shape.KeySize}
            feed-forward: {_shape.FeedForward}
            context: {training.Length}
            batch: {training.Batch}
            passes: {training.Passes}
            steps: {training.Steps}
            optimizer: {training.Optimizer}
            learning rate: {training.Rate}
            warm-up: {training.WarmUp}
            seed: {training.Seed}
            """);
}
