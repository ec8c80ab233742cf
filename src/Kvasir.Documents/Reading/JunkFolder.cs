namespace Kvasir.Documents.Reading;

/// <summary>
/// Folders of what programs made or fetched, passed over where that is sure: by a name that means nothing else, or by the project file
/// beside them.
/// </summary>
internal static class JunkFolder
{
    /// <summary>Why a folder is passed over; null where it is not.</summary>
    /// <param name="name">The folder's name.</param>
    /// <param name="siblings">Names of the files beside it.</param>
    public static string? Reason(string name, IEnumerable<string> siblings) => name switch
    {
        "node_modules" => "a folder of installed packages",
        "__pycache__" => "a folder of compiled files",
        "bin" or "obj" when siblings.Any(IsDotnetProject) => "a folder of build output",
        "target" when siblings.Contains("Cargo.toml", StringComparer.Ordinal) => "a folder of build output",
        _ => null,
    };

    private static bool IsDotnetProject(string file) => Path.GetExtension(file) is ".csproj" or ".fsproj" or ".vbproj";
}
