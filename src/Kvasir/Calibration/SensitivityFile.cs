using System.Text.Json.Serialization;
using Kvasir.Cache;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Quantization;

namespace Kvasir.Calibration;

/// <summary>Sensitivity profiles as JSON files.</summary>
internal static class SensitivityFile
{
    private static readonly JsonProfile<SensitivityProfile> s_file =
        new("a sensitivity profile", "kvasir profile auto", 64 << 20, SensitivityJson.Default.SensitivityProfile);

    /// <exception cref="InvalidInputException">It cannot be read, is damaged, or does not belong to the model.</exception>
    public static SensitivityProfile Read(string path, Model model)
    {
        SensitivityProfile profile = s_file.Read(path);
        if (profile.Kind != SensitivityProfile.ExpectedKind) throw s_file.NotOne(path);
        if (profile.Version != SensitivityProfile.ExpectedVersion)
            throw new InvalidInputException(
                $"{path}: a profile of version {profile.Version}, this build reads version {SensitivityProfile.ExpectedVersion}; measure "
                + "anew with kvasir profile auto");
        if (profile.Model != model.Identity)
            throw new InvalidInputException(
                $"{path}: measured on another model ({ModelIdentity.Short(profile.Model)}, "
                + $"the loaded one is {ModelIdentity.Short(model.Identity)}); measure anew "
                + "with kvasir profile auto");
        if (Damage(profile, model.CacheLayout) is string damage)
            throw new InvalidInputException($"{path}: damaged profile ({damage}); measure anew with kvasir profile auto");
        return profile;
    }

    /// <exception cref="InvalidInputException">It cannot be written.</exception>
    public static void Write(string path, SensitivityProfile profile) => s_file.Write(path, profile);

    /// <summary>What does not fit, or null.</summary>
    private static string? Damage(SensitivityProfile profile, KvLayout layout)
    {
        if (profile.ScaleBits is not (8 or 16)) return $"scales of {profile.ScaleBits} bits";
        if (profile.Keys.FirstOrDefault(name => !Known(name, profile)) is string key) return $"keys '{key}'";
        if (profile.Values.FirstOrDefault(name =>
            !Known(name, profile)
                || QuantizedFormat.Parse(name)!.Value.Group != QuantizedFormat.DefaultGroup) is string value) return $"values '{value}'";
        if (profile.Layers.Count != layout.Layers.Count) return $"{profile.Layers.Count} layers, the model has {layout.Layers.Count}";
        for (int l = 0; l < profile.Layers.Count; l++)
        {
            if (profile.Layers[l] is not { } heads || heads.Count != layout.Layers[l].KvHeads)
                return $"layer {l} does not have {layout.Layers[l].KvHeads} heads";
            if (!heads.All(head =>
                head is not null && AreDamages(head.Keys, profile.Keys.Count)
                    && AreDamages(head.Values, profile.Values.Count))) return $"layer {l} does not have a divergence for each codec";
        }
        return null;
    }

    private static bool Known(string? name, SensitivityProfile profile) =>
        name is not null && QuantizedFormat.Parse(name) is { } format && format.ScaleBits == profile.ScaleBits;

    private static bool AreDamages(IReadOnlyList<double> damages, int count) =>
        damages.Count == count && damages.All(damage => damage is >= 0 and <= LogitDivergence.Largest);
}

/// <summary>Serialisation of profiles, generated at compile time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SensitivityProfile))]
internal sealed partial class SensitivityJson : JsonSerializerContext;
