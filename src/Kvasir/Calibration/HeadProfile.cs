using System.Text.Json.Serialization;
using Kvasir.Cache;
using Kvasir.Formats;
using Kvasir.Models;

namespace Kvasir.Calibration;

/// <summary>Which layers and heads of a model steering is good in, measured on a small task: <c>kvasir profile pasta</c>.</summary>
public sealed record HeadProfile
{
    internal const string ExpectedKind = "kvasir-steering";

    private static readonly JsonProfile<HeadProfile> s_file =
        new("a head profile", "kvasir profile pasta", 16 << 20, HeadProfileJson.Default.HeadProfile);

    /// <summary>What the file is.</summary>
    public string Kind { get; init; } = ExpectedKind;

    /// <summary>The model's name, for people.</summary>
    public string Model { get; init; } = "";

    /// <summary>The task that it was measured on.</summary>
    public string Calibration { get; init; } = "";

    /// <summary>Layers of the model.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads of a layer.</summary>
    public required int QueryHeads { get; init; }

    /// <summary>Alpha while measuring.</summary>
    public double Alpha { get; init; } = SteeringPolicy.DefaultAlpha;

    /// <summary>What was chosen: <c>LAYER</c> or <c>LAYER.HEAD</c>, as in the policy grammar.</summary>
    public required IReadOnlyList<string> Heads { get; init; }

    /// <summary>All that was measured, best first.</summary>
    public IReadOnlyList<SteeringGain> Ranking { get; init; } = [];

    /// <summary>Measures a model: each layer, or each head, is steered alone.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tasks">Prompts with a span, and the token that should follow if the span is heeded.</param>
    /// <param name="options">What to measure and how much to choose.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Ends the work between two forward passes.</param>
    /// <exception cref="InvalidInputException">A task does not fit the model.</exception>
    public static HeadProfile Measure(
        Model model, IReadOnlyList<SteeringTask> tasks, HeadProfileOptions? options = null,
        IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tasks);
        return new HeadMeasurement(model, tasks, progress, cancellation).Run(options ?? new HeadProfileOptions());
    }

    /// <summary>Reads a profile and checks that it fits a model.</summary>
    /// <exception cref="InvalidInputException">It cannot be read, is damaged, or is of a model of another shape.</exception>
    public static HeadProfile Load(string path, Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        HeadProfile profile = s_file.Read(path);
        if (profile.Kind != ExpectedKind) throw s_file.NotOne(path);
        if ((profile.Layers, profile.QueryHeads) != (model.Config.Layers, model.Config.Heads))
            throw new InvalidInputException($"{path}: a profile of a model with {profile.Layers} layers of {profile.QueryHeads} heads; "
                + $"this one has {model.Config.Layers} of {model.Config.Heads}; measure it with kvasir profile pasta");
        if (profile.Heads.Count == 0)
            throw new InvalidInputException(
                $"{path}: damaged profile (no heads); measure anew with kvasir profile pasta");
        _ = profile.SteeredHeads(path);
        return profile;
    }

    /// <summary>Writes it as JSON, under a temporary name first.</summary>
    /// <exception cref="InvalidInputException">The file cannot be written.</exception>
    public void Save(string path) => s_file.Write(path, this);

    /// <summary>The heads chosen.</summary>
    internal IReadOnlyList<SteeredHead> SteeredHeads(string path)
    {
        SteeringPolicy policy;
        try
        {
            policy = SteeringPolicy.Read(null, "steer", "0:1@" + string.Join('+', Heads));
            policy.CheckHeads(Layers, QueryHeads);
        }
        catch (InvalidInputException problem)
        {
            throw new InvalidInputException($"{path}: damaged profile ({problem.Message}); measure anew with kvasir profile pasta",
                problem);
        }
        return policy.Heads!;
    }
}

/// <summary>What steering one layer, or one of its heads, does.</summary>
/// <param name="Head"><c>LAYER</c> or <c>LAYER.HEAD</c>.</param>
/// <param name="Gain">Mean change of ln p(wanted token) - ln p(other token), or of ln p(wanted token) where there is no other.</param>
public sealed record SteeringGain(string Head, double Gain);

/// <summary>What a head profile is measured with.</summary>
public sealed record HeadProfileOptions
{
    /// <summary>Alpha.</summary>
    public double Alpha { get; init; } = SteeringPolicy.DefaultAlpha;

    /// <summary>Layers to choose; null for a fifth of the model's.</summary>
    public int? Layers { get; init; }

    /// <summary>Single heads to choose instead of whole layers; null for layers.</summary>
    public int? Heads { get; init; }
}

/// <summary>Serialisation of head profiles, generated at compile time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, WriteIndented = true)]
[JsonSerializable(typeof(HeadProfile))]
internal sealed partial class HeadProfileJson : JsonSerializerContext;
