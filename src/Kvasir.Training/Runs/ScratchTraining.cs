using System.Security.Cryptography;
using Kvasir.Models;
using Kvasir.Numerics;
using Kvasir.Quantization;
using Kvasir.Tokenization;
using Kvasir.Training.Data;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Runs;

/// <summary>A model from nothing but texts: learns a vocabulary, then trains, and writes what came of it as GGUF.</summary>
internal sealed class ScratchTraining : IDisposable
{
    /// <summary>The end of every text that is kept for validation where none is given: a twentieth.</summary>
    private const double HeldOut = 0.05;

    private readonly BpeVocabulary _vocabulary;
    private readonly LlamaParameters _parameters;
    private readonly LlamaModel _model;
    private readonly LlamaShape _shape;
    private readonly Crew _crew;
    private readonly Validation _validation;
    private readonly string _description;

    /// <param name="texts">What to learn from.</param>
    /// <param name="validation">What to validate on; null to keep the end of each text for it.</param>
    /// <param name="settings">Sizes and steps.</param>
    /// <param name="threads">Threads.</param>
    /// <exception cref="InvalidInputException">Sizes that do not fit together, or too little text.</exception>
    public ScratchTraining(IReadOnlyList<string> texts, string? validation, ScratchSettings settings, int threads)
    {
        settings.Shape(settings.Vocabulary);
        TrainingSettings training = settings.Training();
        training.Check();
        string[] learned = validation is null ? [.. texts.Select(text => text[..Cut(text)])] : [.. texts];
        _vocabulary = BpeTrainer.Train(learned, settings.Vocabulary, [BpeVocabulary.EndOfText]);
        Tokenizer tokenizer = _vocabulary.ToTokenizer();
        int[] ids = Encode(tokenizer, learned);
        int[] held = Encode(tokenizer, validation is null ? [.. texts.Select(text => text[Cut(text)..])] : [validation]);
        _shape = settings.Shape(_vocabulary.Tokens.Count);
        var data = new TextWindows(ids, settings.Context, settings.Seed);
        _validation = new Validation(held, training.SequencesOfAPass, settings.Context);
        _parameters = LlamaParameters.Initial(_shape, settings.Seed);
        var rotary = new Rotary(RotaryFrequencies.Plain(_shape.RopeBase, _shape.KeySize), interleaved: true);
        _model = new LlamaModel(_shape, _parameters, rotary, training.SequencesOfAPass, settings.Context);
        _crew = new Crew(threads);
        Trainer = new Trainer(training, _model, data, _crew);
        TextTokens = ids.Length;
        _description = Describe(training, ids);
    }

    /// <summary>Weights of the model.</summary>
    public long Parameters => _parameters.Count;

    /// <summary>Tokens of the text that is learned.</summary>
    public long TextTokens { get; }

    public Trainer Trainer { get; }

    /// <summary>Perplexity of what is kept for validation, in windows of the context's length.</summary>
    public double ValidationPerplexity() => _validation.Perplexity(_model, _crew);

    public void Save(string path) => Checkpoint.Save(path, _description, Trainer);

    /// <inheritdoc cref="Checkpoint.Load"/>
    public void Resume(string path) => Checkpoint.Load(path, _description, Trainer);

    /// <summary>Writes the model as it is now.</summary>
    public void Export(string path, TensorType type) => GgufExport.Write(path, _shape, _parameters, _vocabulary, type);

    public void Dispose() => _crew.Dispose();

    private static int[] Encode(Tokenizer tokenizer, IEnumerable<string> texts) =>
        [.. texts.SelectMany(text => tokenizer.Encode(text, parseSpecial: false).Prepend(tokenizer.EndOfText))];

    /// <summary>Where the part for validation begins, never inside a pair of surrogates.</summary>
    private static int Cut(string text)
    {
        int at = (int)(text.Length * (1 - HeldOut));
        return at > 0 && at < text.Length && char.IsLowSurrogate(text[at]) ? at - 1 : at;
    }

    private string Describe(TrainingSettings training, int[] ids)
    {
        string text = Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<int>(ids)))[..16];
        return string.Create(CultureInfo.InvariantCulture, $"""
            a model of its own: version 1
            text: {text}
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
            learning rate: {training.Rate}
            warm-up: {training.WarmUp}
            seed: {training.Seed}
            """);
    }
}
