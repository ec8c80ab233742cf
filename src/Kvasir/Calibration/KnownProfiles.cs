using Kvasir.Formats;
using Kvasir.Models;

namespace Kvasir.Calibration;

/// <summary>Profiles that were measured before, and are measured where they were not.</summary>
internal static class KnownProfiles
{
    /// <summary>The profile in a file that the user names; made there where there is none.</summary>
    /// <exception cref="InvalidInputException">The file is damaged, another model's, or cannot be written.</exception>
    public static SensitivityProfile Named(
        string path, Model model, int scaleBits, IProgress<double>? progress, CancellationToken cancellation)
    {
        if (File.Exists(path))
        {
            SensitivityProfile known = SensitivityProfile.Load(path, model);
            return known.ScaleBits == scaleBits ? known
                : throw new InvalidInputException(
                $"{path}: measured with scales of {known.ScaleBits} bits, the policy asks for {scaleBits}; give scale={known.ScaleBits} "
                + "or another profile");
        }
        if (Directory.Exists(path)) throw new InvalidInputException($"{path}: a folder; name a file for the profile");
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new InvalidInputException($"{path}: there is no folder {folder}; make it first");
        SensitivityProfile measured = SensitivityProfile.Measure(model, null, scaleBits, progress, cancellation);
        measured.Save(path);
        return measured;
    }

    /// <summary>
    /// The profile in the user's cache folder. What is damaged there is measured anew; a folder that cannot be written only costs the time.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="scaleBits">Bits of scale and minimum.</param>
    /// <param name="progress">Told the share of a measurement that is done.</param>
    /// <param name="cancellation">Ends a measurement.</param>
    /// <param name="cacheFolder">Instead of the user's cache folder.</param>
    public static SensitivityProfile Cached(
        Model model, int scaleBits, IProgress<double>? progress, CancellationToken cancellation, string? cacheFolder = null)
    {
        string path = Path.Combine(
            cacheFolder ?? ModelIdentity.UserCacheFolder(), "kvasir", "profiles", $"{model.Identity}.scale{scaleBits}.json");
        try
        {
            if (File.Exists(path) && SensitivityProfile.Load(path, model) is { } known && known.ScaleBits == scaleBits) return known;
        }
        catch (InvalidInputException)
        {
            // Measured anew below.
        }
        SensitivityProfile measured = SensitivityProfile.Measure(model, null, scaleBits, progress, cancellation);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            measured.Save(path);
        }
        catch (Exception error) when (error is InvalidInputException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            // It is measured again next time.
        }
        return measured;
    }
}
