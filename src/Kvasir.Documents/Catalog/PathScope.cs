namespace Kvasir.Documents.Catalog;

/// <summary>Files and folders, and what lies in them.</summary>
internal sealed class PathScope
{
    private readonly HashSet<string> _paths;
    private readonly string[] _folders;

    /// <exception cref="InvalidInputException">A path is empty.</exception>
    public PathScope(IEnumerable<string> paths)
    {
        paths = [.. paths];
        if (paths.Contains("")) throw new InvalidInputException("a path is empty; name a file or folder");
        _paths = [.. paths.Select(path => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)))];
        _folders = [.. _paths.Select(path => path.EndsWith(Path.DirectorySeparatorChar) ? path : path + Path.DirectorySeparatorChar)];
    }

    public bool IsSameAs(PathScope other) => _paths.SetEquals(other._paths);

    public bool Contains(string fullPath) =>
        _paths.Contains(fullPath) || Array.Exists(_folders, folder => fullPath.StartsWith(folder, StringComparison.Ordinal));
}
