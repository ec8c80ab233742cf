using System.Security.Cryptography;
using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Training.Data;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;
using MathNet.Numerics.LinearAlgebra;

namespace Kvasir.Training.Runs;

/// <summary>
/// Fine-tunes a model whose keys are factored: only W_Q and the key factors train, so that it gives the full model's distributions again
/// ("Thin Keys, Full Values", on existing models). Full and factored model read the same sequences in one step and share all other weights.
/// </summary>
internal sealed class FactorTuning : IDisposable
{
    private readonly LlamaImport _model;
    private readonly KeyFactors _start;
    private readonly LlamaParameters _factored;
    private readonly Crew _crew;
    private readonly string _description;

    /// <param name="model">The full model.</param>
    /// <param name="factors">Where the tuning begins: factors of keys before their rotation.</param>
    /// <param name="tokens">The text.</param>
    /// <param name="settings">How.</param>
    /// <param name="threads">Threads.</param>
    /// <exception cref="InvalidInputException">Too little text, or factors of another kind.</exception>
    public FactorTuning(LlamaImport model, KeyFactors factors, int[] tokens, TuningSettings settings, int threads)
    {
        if (factors.Heads.Any(head => !head.BeforeRotation || head.Mean.Length > 0))
            throw new InvalidInputException($"factors of the method {factors.Method} cannot be tuned; those of prerope can");
        LlamaShape shape = model.Shape;
        TrainingSettings training = settings.Training();
        var text = new SomePlaces(new TextWindows(tokens, settings.Length, settings.Seed), settings.Places, settings.Seed + 1);
        _model = model;
        _start = factors;
        _factored = FactoredKeys.Of(shape, model.Parameters, factors.Layers);
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

    /// <summary>The factored model.</summary>
    public LlamaParameters Parameters => _factored;

    public void Save(string path) => Checkpoint.Save(path, _description, Trainer);

    /// <inheritdoc cref="Checkpoint.Load"/>
    public void Resume(string path) => Checkpoint.Load(path, _description, Trainer);

    /// <summary>What came of it, as a file of factors: W_Q, W_K = up · factors, and for each head up and its left inverse.</summary>
    public KeyFactors Write(string path)
    {
        int size = _model.Shape.KeySize, width = _model.Shape.Width;
        var tuned = new List<(string Name, long[] Shape, float[] Values)>();
        var layers = new List<IReadOnlyList<HeadFactors>>();
        foreach ((int index, LayerParameters weights) in _factored.Layers.Index())
        {
            HeadFactors[] heads = [.. weights.KeyExpansion!.Ups(size).Select(TunedHead)];
            float[] key = [.. Products(weights.Key, heads)];
            tuned.Add(($"blk.{index}.query", [weights.Query.Rows, width], weights.Query.Values));
            tuned.Add(($"blk.{index}.key", [key.Length / width, width], key));
            layers.Add(heads);
        }
        string method = TunedProjections.NameMethod(_start.Method, tuned.Select(tensor => tensor.Values));
        var factors = new KeyFactors(_start.Model, method, layers);
        KeyFactorsFile.Write(path, factors, tuned);
        return factors;
    }

    public void Dispose() => _crew.Dispose();

    private static string Hash(IEnumerable<Parameter> parameters)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Parameter parameter in parameters) hash.AppendData(MemoryMarshal.AsBytes(parameter.Values.AsSpan()));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    /// <summary>down = up's left inverse, so that what is cached of a key up c is c again.</summary>
    private HeadFactors TunedHead(float[] up)
    {
        int size = _model.Shape.KeySize, rank = up.Length / size;
        Matrix<double> matrix = Matrix<double>.Build.Dense(size, rank, (row, column) => up[row * rank + column]);
        float[] down = [.. matrix.PseudoInverse().ToRowMajorArray().Select(value => (float)value)];
        return new HeadFactors(beforeRotation: true, size, down, up, []);
    }

    /// <summary>W_K = up · factors, head by head.</summary>
    private static IEnumerable<float> Products(Parameter factors, IEnumerable<HeadFactors> heads)
    {
        int at = 0, width = factors.Columns;
        foreach (HeadFactors head in heads)
        {
            for (int c = 0; c < head.Channels; c++)
                for (int column = 0; column < width; column++)
                {
                    double sum = 0;
                    for (int i = 0; i < head.Rank; i++)
                        sum += (double)head.Up[c * head.Rank + i] * factors.Values[(at + i) * width + column];
                    yield return (float)sum;
                }
            at += head.Rank;
        }
    }
}
