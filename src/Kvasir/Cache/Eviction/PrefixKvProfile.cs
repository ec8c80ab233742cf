using System.Text.Json.Serialization;
using Kvasir.Formats;

namespace Kvasir.Cache.Eviction;

/// <summary>
/// What PrefixKV's sizing found on sample texts: by budget (percent kept) the mean share of tokens that each layer forgets.
/// </summary>
internal sealed record PrefixKvProfile
{
    public const string ExpectedKind = "kvasir-prefixkv";

    private static readonly JsonProfile<PrefixKvProfile> s_file =
        new("a PrefixKV profile", "kvasir profile prefixkv", 16 << 20, PrefixKvJson.Default.PrefixKvProfile);

    public string Kind { get; init; } = ExpectedKind;

    public int Version { get; init; } = 1;

    /// <summary>Identity of the model that was measured.</summary>
    public required string Model { get; init; }

    /// <summary>Names of the texts.</summary>
    public required IReadOnlyList<string> Texts { get; init; }

    /// <summary>By percent kept.</summary>
    public required IReadOnlyDictionary<string, PrefixKvBudget> Budgets { get; init; }

    /// <summary>How a share of the grammar is written as a budget.</summary>
    public static string NameOf(double share) => Math.Round(share * 100, 6).ToString(CultureInfo.InvariantCulture);

    /// <summary>Measures one text after another.</summary>
    /// <param name="model">Identity of the model.</param>
    /// <param name="received">By text, [layers][tokens]: the attention that tokens get.</param>
    /// <param name="shares">Budgets.</param>
    /// <param name="leaveOutProtected">As for a search.</param>
    public static PrefixKvProfile Of(string model, IReadOnlyDictionary<string, float[][]> received, IReadOnlyList<double> shares,
        bool leaveOutProtected)
    {
        var budgets = new Dictionary<string, PrefixKvBudget>();
        foreach (double share in shares)
        {
            PrefixKvSizes[] sizes = [.. received.Values.Select(layers =>
                new PrefixKvSearch(layers, leaveOutProtected ? PrefixKvSearch.EdgesOf(layers[0].Length) : null).Run(1 - share))];
            double[][] ratios =
                [.. sizes.Zip(received.Values, (size, layers) => size.Forget.Select(count => (double)count / layers[0].Length).ToArray())];
            budgets[NameOf(share)] = new PrefixKvBudget(MeanByLayer(ratios), sizes.Count(size => size.Met));
        }
        return new PrefixKvProfile { Model = model, Texts = [.. received.Keys], Budgets = budgets };
    }

    /// <summary>Measures one image after another.</summary>
    /// <param name="model">Identity of the model.</param>
    /// <param name="attention">By image, [layers][image tokens]: the attention that they get from a question.</param>
    /// <param name="shares">Budgets.</param>
    public static PrefixKvProfile OfImages(string model, IReadOnlyDictionary<string, float[][]> attention, IReadOnlyList<double> shares)
    {
        var budgets = new Dictionary<string, PrefixKvBudget>();
        foreach (double share in shares)
        {
            double[][] ratios = [.. attention.Values.Select(layers =>
            {
                int tokens = layers[0].Length;
                int[] kept = PrefixKvAllotment.Divide(layers, (int)Math.Round(share * tokens));
                return kept.Select(count => 1 - (double)count / tokens).ToArray();
            })];
            budgets[NameOf(share)] = new PrefixKvBudget(MeanByLayer(ratios), ratios.Length);
        }
        return new PrefixKvProfile { Model = model, Texts = [.. attention.Keys], Budgets = budgets };
    }

    /// <param name="ratios">By sample, [layers].</param>
    private static double[] MeanByLayer(double[][] ratios) =>
        [.. Enumerable.Range(0, ratios[0].Length).Select(layer => ratios.Average(sample => sample[layer]))];

    /// <summary>The shares that layers forget under a budget.</summary>
    /// <exception cref="InvalidInputException">It was not measured.</exception>
    public IReadOnlyList<double> ForgetRatios(double share) => Budgets.TryGetValue(NameOf(share), out PrefixKvBudget? budget)
        ? budget.ForgetRatio
        : throw new InvalidInputException($"the PrefixKV profile was measured for {string.Join(", ", Budgets.Keys)}% kept, not for "
            + $"{NameOf(share)}%; measure it for that too with kvasir profile prefixkv");

    /// <exception cref="InvalidInputException">It cannot be written.</exception>
    public void Save(string path) => s_file.Write(path, this);

    /// <summary>Reads a profile and checks that it belongs to a model.</summary>
    /// <exception cref="InvalidInputException">It cannot be read, is damaged, or was measured on another model.</exception>
    public static PrefixKvProfile Load(string path, string model, int layers)
    {
        PrefixKvProfile profile = s_file.Read(path);
        if (profile is not { Kind: ExpectedKind, Version: 1 })
            throw new InvalidInputException($"{path}: not a PrefixKV profile of this version; kvasir profile prefixkv makes one");
        if (profile.Model != model)
            throw new InvalidInputException($"{path}: measured on another model; measure anew with kvasir profile prefixkv");
        bool sound = profile.Budgets.Count > 0
            && profile.Budgets.Values.All(budget => budget?.ForgetRatio.Count == layers
            && budget.ForgetRatio.All(ratio => ratio is >= 0 and <= 1));
        return sound ? profile
            : throw new InvalidInputException(
            $"{path}: damaged profile (its budgets do not fit {layers} layers); measure anew with kvasir profile prefixkv");
    }
}

/// <summary>One budget of a profile.</summary>
/// <param name="ForgetRatio">By layer.</param>
/// <param name="Met">Texts on which the search met it within 5 tokens.</param>
internal sealed record PrefixKvBudget(IReadOnlyList<double> ForgetRatio, int Met);

/// <summary>Serialisation of profiles, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, WriteIndented = true)]
[JsonSerializable(typeof(PrefixKvProfile))]
internal sealed partial class PrefixKvJson : JsonSerializerContext;
