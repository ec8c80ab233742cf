using Kvasir.Models;
using Kvasir.Quantization;

namespace Kvasir.Calibration;

/// <summary>
/// What it does to a model's predictions to keep the keys, or the values, of single kv heads in few bits. Holds for any budget;
/// <see cref="AutoPolicies.Prepare"/> chooses by it.
/// </summary>
public sealed record SensitivityProfile
{
    internal const string ExpectedKind = "kvasir-sensitivity";
    internal const int ExpectedVersion = 1;

    /// <summary>What the file is.</summary>
    public string Kind { get; init; } = ExpectedKind;

    /// <summary>Version of the file's form.</summary>
    public int Version { get; init; } = ExpectedVersion;

    /// <summary>Identity of the model that was measured.</summary>
    public required string Model { get; init; }

    /// <summary>The text that it was measured on.</summary>
    public required string Calibration { get; init; }

    /// <summary>Bits of scale and minimum: 8 or 16.</summary>
    public required int ScaleBits { get; init; }

    /// <summary>Codecs of keys that were measured: name, group and bits of scale, as in <c>kivi2/16/8</c>.</summary>
    public required IReadOnlyList<string> Keys { get; init; }

    /// <summary>Codecs of values.</summary>
    public required IReadOnlyList<string> Values { get; init; }

    /// <summary>[layers][kv heads]</summary>
    public required IReadOnlyList<IReadOnlyList<HeadSensitivity>> Layers { get; init; }

    /// <summary>Measures a model.</summary>
    /// <param name="model">The model. Where it computes in int8, its weights are loaded once more in float32 for the time of the
    /// measurement: rounding would hide what most heads do.</param>
    /// <param name="text">A text to measure on; null for texts that the model writes itself, the same in every run.</param>
    /// <param name="scaleBits">Bits of scale and minimum: 8 or 16.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Ends the work between two forward passes.</param>
    /// <exception cref="InvalidInputException">The text or the model's context is too short.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static SensitivityProfile Measure(
        Model model, string? text = null, int scaleBits = QuantizedFormat.DefaultScaleBits, IProgress<double>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (scaleBits is not (8 or 16)) throw new ArgumentOutOfRangeException(nameof(scaleBits), scaleBits, "8 or 16");
        bool asNeeded = model.Options is { Compute: ComputeMode.Float32, ContextLength: 0 };
        using Model? loaded = asNeeded
            ? null : Models.Model.Load(model.Path, model.Options with { Compute = ComputeMode.Float32, ContextLength = 0 });
        return new SensitivityMeasurement(loaded ?? model, scaleBits, progress, cancellation).Run(text);
    }

    /// <summary>Reads a profile and checks that it belongs to a model.</summary>
    /// <exception cref="InvalidInputException">It cannot be read, is damaged, or was measured on another model; the message says what
    /// differs.</exception>
    public static SensitivityProfile Load(string path, Model model) => SensitivityFile.Read(path, model);

    /// <summary>Writes it as JSON, under a temporary name first.</summary>
    /// <exception cref="InvalidInputException">The file cannot be written.</exception>
    public void Save(string path) => SensitivityFile.Write(path, this);
}

/// <summary>
/// What keeping one kv head in few bits does to the predictions: mean Kullback-Leibler divergence from exact keys and values, in nats.
/// </summary>
/// <param name="Keys">With each codec of <see cref="SensitivityProfile.Keys"/> for the keys, the values exact.</param>
/// <param name="Values">With each codec of <see cref="SensitivityProfile.Values"/> for the values, the keys exact.</param>
public sealed record HeadSensitivity(IReadOnlyList<double> Keys, IReadOnlyList<double> Values);
