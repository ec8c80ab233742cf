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
internal static class ProfileFiles
{
    private const long LongestFile = 64 << 20;

    /// <summary>Checks that each file is wanted by a term of the policy, and none of its kind is there twice.</summary>
    /// <exception cref="InvalidInputException">One is not, which the message names.</exception>
    public static void Check(KvPolicy policy)
    {
        foreach (IGrouping<ProfileKind, string> files in policy.Profiles.GroupBy(KindOf))
        {
            string first = files.First();
            if (files.Skip(1).FirstOrDefault() is string second)
                throw new InvalidInputException($"{second}: the policy names two files of this kind ({first} is one)");
            if (TermFor(policy, files.Key) is string term)
            {
                throw new InvalidInputException(files.Key == ProfileKind.Sensitivity && !File.Exists(first)
                    ? $"{first}: no such file"
                    : $"{first}: no term of the policy goes by this file; it is for {term}");
            }
        }
    }

    /// <summary>The file of a kind; null where the policy names none.</summary>
    public static string? Of(KvPolicy policy, ProfileKind kind) => policy.Profiles.FirstOrDefault(path => KindOf(path) == kind);

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
