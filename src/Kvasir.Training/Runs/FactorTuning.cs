using System.Security.Cryptography;
using Kvasir.Training.Data;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Runs;

/// <summary>
/// Fine-tunes a model whose keys are factored: only W_Q and the key factors train, so that it gives the full model's distributions again
/// ("Thin Keys, Full Values", on existing models). Full and factored model read the same sequences in one step and share all other weights.
/// </summary>
internal sealed class FactorTuning : IDisposable
{
    private readonly LlamaImport _model;
    private readonly LlamaParameters _factored;
    private readonly Crew _crew;
    private readonly string _description;

    /// <param name="model">The full model.</param>
    /// <param name="factors">Where the tuning begins: by layer and kv head, of keys before their rotation.</param>
    /// <param name="tokens">The text.</param>
    /// <param name="settings">How.</param>
    /// <param name="threads">Threads.</param>
    /// <exception cref="InvalidInputException">Too little text.</exception>
    public FactorTuning(
        LlamaImport model, IReadOnlyList<IReadOnlyList<HeadFactorPair>> factors, int[] tokens, TuningSettings settings, int threads)
    {
        LlamaShape shape = model.Shape;
        TrainingSettings training = settings.Training();
        var text = new SomePlaces(new TextWindows(tokens, settings.Length, settings.Seed), settings.Places, settings.Seed + 1);
        _model = model;
        _factored = FactoredKeys.Of(shape, model.Parameters, factors);
        _crew = new Crew(threads);
        LlamaModel? teacher = settings.CrossEntropy ? null : New(model.Parameters, trains: false);
        Trainer = new Trainer(training, New(_factored, trains: true), text, _crew, teacher);
        _description = string.Create(CultureInfo.InvariantCulture, $"""
            fine-tuned factors: version 1
            model and factors: {Hash(_factored.Layers.SelectMany(layer => new[] { layer.Query, layer.Key, layer.KeyExpansion!.Weight }))}
            text: {Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<int>(tokens)))[..16]}
            {settings}
            """);

        LlamaModel New(LlamaParameters parameters, bool trains) =>
            new(shape, parameters, model.Rotary, training.SequencesOfAPass, settings.Length, trains);
    }

    public Trainer Trainer { get; }

    public void Save(string path) => Checkpoint.Save(path, _description, Trainer);

    /// <inheritdoc cref="Checkpoint.Load"/>
    public void Resume(string path) => Checkpoint.Load(path, _description, Trainer);

    /// <summary>What was trained of a layer.</summary>
    public TunedLayer Layer(int layer)
    {
        LayerParameters weights = _factored.Layers[layer];
        KeyExpansion expansion = weights.KeyExpansion!;
        int at = 0;
        return new TunedLayer(weights.Query.Values, weights.Key.Values, [.. expansion.Ranks.Select(rank =>
        {
            at += rank;
            return expansion.Weight.Values[((at - rank) * _model.Shape.KeySize)..(at * _model.Shape.KeySize)];
        })]);
    }

    public void Dispose() => _crew.Dispose();

    private static string Hash(IEnumerable<Parameter> parameters)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Parameter parameter in parameters) hash.AppendData(MemoryMarshal.AsBytes(parameter.Values.AsSpan()));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}

/// <summary>A layer whose keys were factored and tuned.</summary>
/// <param name="Query">[query width, width].</param>
/// <param name="Factors">[ranks of all heads, width]: from the residual stream to what is cached.</param>
/// <param name="Ups">Of each kv head [key size, rank]: from what is cached to keys before their rotation.</param>
internal sealed record TunedLayer(float[] Query, float[] Factors, IReadOnlyList<float[]> Ups);
