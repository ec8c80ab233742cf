namespace Kvasir.Tests;

/// <summary>Where the real models, data and golden values lie: <c>KVASIR_SHARED</c>, default <c>../shared</c> beside the project.</summary>
internal static class SharedData
{
    public static string Root { get; } = Environment.GetEnvironmentVariable("KVASIR_SHARED") is { Length: > 0 } set
        ? set
        : Path.GetFullPath(Path.Combine(ProjectRoot(), "..", "shared"));

    /// <summary>The full path of <paramref name="relative"/>; the calling test is reported as skipped where it is missing.</summary>
    public static string Require(string relative)
    {
        string path = Path.Combine(Root, relative);
        Xunit.Skip.IfNot(File.Exists(path) || Directory.Exists(path), $"{relative} is not under KVASIR_SHARED ({Root})");
        return path;
    }

    public static string ProjectRoot() => AboveTests();

    private static string AboveTests([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", ".."));
}
