namespace Kvasir.Cli.Models;

/// <summary>
/// Where models lie: the folders of <c>KVASIR_MODELS</c> (a path-separator list), then the user's models folder,
/// <c>$XDG_DATA_HOME/kvasir/models</c> (default <c>~/.local/share/kvasir/models</c>; on Windows under the local application data).
/// </summary>
/// <param name="Folders">All folders in the order they are searched; they need not exist.</param>
/// <param name="UserFolder">The user's models folder, the last of them.</param>
/// <param name="DefaultModel">What <c>KVASIR_MODEL</c> names, or null.</param>
internal sealed record ModelFolders(IReadOnlyList<string> Folders, string UserFolder, string? DefaultModel)
{
    public static ModelFolders FromEnvironment() => FromEnvironment(Environment.GetEnvironmentVariable);

    /// <param name="variable">Reads an environment variable.</param>
    public static ModelFolders FromEnvironment(Func<string, string?> variable)
    {
        string data = variable("XDG_DATA_HOME") is { Length: > 0 } home && Path.IsPathRooted(home)
            ? home
            : Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        string user = Path.Combine(data.Length > 0 ? data : Path.Combine(Path.GetTempPath(), "share"), "kvasir", "models");
        string[] listed = (variable("KVASIR_MODELS") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string[] all = [.. listed.Select(Path.GetFullPath).Append(user).Distinct(StringComparer.Ordinal)];
        return new ModelFolders(all, user, variable("KVASIR_MODEL") is { Length: > 0 } model ? model : null);
    }

    /// <summary>Where a pulled model goes: the first folder of <c>KVASIR_MODELS</c> if it can be written to, else the user's.</summary>
    /// <exception cref="WorkFailedException">Neither can be written.</exception>
    public string ForDownloads()
    {
        if (Folders[0] != UserFolder && Directory.Exists(Folders[0]) && IsWritable(Folders[0])) return Folders[0];
        try
        {
            Directory.CreateDirectory(UserFolder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new WorkFailedException(
                $"{UserFolder}: the models folder cannot be made ({error.Message}); set KVASIR_MODELS to a folder that can be written",
                error);
        }

        return IsWritable(UserFolder)
            ? UserFolder
            : throw new WorkFailedException($"{UserFolder}: the models folder cannot be written; set KVASIR_MODELS to one that can");
    }

    private static bool IsWritable(string folder)
    {
        try
        {
            using FileStream probe =
                new(Path.Combine(folder, $".kvasir-{Guid.NewGuid():N}"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1,
                    FileOptions.DeleteOnClose);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
