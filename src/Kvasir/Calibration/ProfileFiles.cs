using Kvasir.Cache;

namespace Kvasir.Calibration;

/// <summary>The files that a policy's <c>profile=</c> names, told apart by their content.</summary>
internal static class ProfileFiles
{
    /// <summary>Checks that each file is wanted by a term of the policy, and none is there twice.</summary>
    /// <exception cref="InvalidInputException">One is not, which the message names.</exception>
    public static void Check(KvPolicy policy)
    {
        foreach (IGrouping<bool, string> files in policy.Profiles.GroupBy(IsFactors))
        {
            if (files.Skip(1).FirstOrDefault() is string second) throw new InvalidInputException($"{second}: the policy names two files of this kind ({files.First()} is one)");
            if (files.Key && policy.Thin is null) throw new InvalidInputException($"{files.First()}: factors of thin keys, which the policy does not ask for (thin=50%)");
            if (!files.Key && policy.Auto is null) throw new InvalidInputException(File.Exists(files.First()) ? $"{files.First()}: not factors of thin keys, and nothing else of the policy goes by a file" : $"{files.First()}: no such file; kvasir factor makes one");
        }
    }

    /// <summary>The file of factors; null where none is named.</summary>
    public static string? Factors(KvPolicy policy) => policy.Profiles.FirstOrDefault(IsFactors);

    /// <summary>The profile that <c>auto</c> chooses by; null where none is named.</summary>
    public static string? Sensitivity(KvPolicy policy) => policy.Profiles.FirstOrDefault(path => !IsFactors(path));

    private static bool IsFactors(string path) => File.Exists(path) && KeyFactorsFile.IsSafetensors(path);
}
