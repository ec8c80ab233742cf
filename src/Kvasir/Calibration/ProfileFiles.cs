using System.Text.Json;
using Kvasir.Cache;
using Kvasir.Cache.Eviction;

namespace Kvasir.Calibration;

/// <summary>What a file that a policy names is for.</summary>
internal enum ProfileKind
{
    /// <summary>What few bits do to each head: for <c>auto</c>, which also makes one where there is no such file yet.</summary>
    Sensitivity,

    /// <summary>Factors of thin keys, for <c>thin</c>.</summary>
    Factors,

    /// <summary>Heads to steer, for <c>steer</c>.</summary>
    Heads,

    /// <summary>What each layer keeps, for <c>evict=prefixkv</c>.</summary>
    LayerShares,
}

/// <summary>The files that a policy's <c>profile=</c> names, told apart by their content.</summary>
internal sealed class ProfileFiles
{
    private const long LongestFile = 64 << 20;

    private readonly Dictionary<ProfileKind, string> _paths = [];

    /// <summary>Looks at each file once, and checks that a term of the policy wants it and none of its kind is there twice.</summary>
    /// <exception cref="InvalidInputException">One is not wanted, which the message names.</exception>
    public ProfileFiles(KvPolicy policy)
    {
        foreach (string path in policy.Profiles)
        {
            ProfileKind kind = KindOf(path);
            if (!_paths.TryAdd(kind, path))
                throw new InvalidInputException($"{path}: the policy names two files of this kind ({_paths[kind]} is one)");
            if (TermFor(policy, kind) is string term)
            {
                throw new InvalidInputException(!File.Exists(path) ? $"{path}: no such file"
                    : kind == ProfileKind.Sensitivity && NameIn(path) != SensitivityProfile.ExpectedKind
                    ? $"{path}: neither a profile nor factors; kvasir profile and kvasir factor make such files"
                    : $"{path}: no term of the policy goes by this file; it is for {term}");
            }
        }
    }

    /// <summary>The file of a kind; null where the policy names none.</summary>
    public string? this[ProfileKind kind] => _paths.GetValueOrDefault(kind);

    /// <summary>An example of the term that goes by a kind; null where the policy has it.</summary>
    private static string? TermFor(KvPolicy policy, ProfileKind kind) => kind switch
    {
        ProfileKind.Factors => policy.Thin is null ? "thin=50%" : null,
        ProfileKind.Heads => policy.Steering is { Heads: null } ? null : "steer=7:11 without heads",
        ProfileKind.LayerShares => policy.Eviction?.UsesProfile == true ? null : "evict=prefixkv:20%",
        _ => policy.Auto is null ? "auto:3bit" : null,
    };

    private static ProfileKind KindOf(string path)
    {
        if (!File.Exists(path)) return ProfileKind.Sensitivity;
        if (KeyFactorsFile.IsSafetensors(path)) return ProfileKind.Factors;
        return NameIn(path) switch
        {
            HeadProfile.ExpectedKind => ProfileKind.Heads,
            PrefixKvProfile.ExpectedKind => ProfileKind.LayerShares,
            _ => ProfileKind.Sensitivity,
        };
    }

    /// <summary>What a JSON file says in its field <c>kind</c>; null where it does not.</summary>
    private static string? NameIn(string path)
    {
        try
        {
            if (new FileInfo(path).Length > LongestFile) return null;
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("kind", out JsonElement kind) && kind.ValueKind == JsonValueKind.String ? kind.GetString() : null;
        }
        catch (Exception problem) when (problem is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
