namespace Kvasir.Documents.Reading;

/// <summary>The files that given paths stand for: files as named, folders with all files below them.</summary>
internal sealed class FoundFiles
{
    /// <summary>How much of a file without an extension is looked at.</summary>
    private const int HeadBytes = 4096;

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly string? _except;

    private FoundFiles(string? except) => _except = except;

    /// <summary>Full paths, each once, folders in ordinal order; true where the file was named itself and not found in a folder.</summary>
    public List<(string Path, bool Named)> Files { get; } = [];

    /// <summary>Full paths of the folders that were named.</summary>
    public List<string> Folders { get; } = [];

    /// <summary>What in the folders is not read, and why.</summary>
    public List<SkippedFile> Skipped { get; } = [];

    /// <summary>Looks for files.</summary>
    /// <param name="paths">Files and folders.</param>
    /// <param name="except">Full path of a folder that is passed over: a store that lies among the documents.</param>
    /// <exception cref="InvalidInputException">A path does not exist.</exception>
    public static FoundFiles Under(IEnumerable<string> paths, string? except = null)
    {
        var found = new FoundFiles(except);
        foreach (string path in paths)
        {
            string full = path.Length == 0
                ? throw new InvalidInputException("a document path is empty; name a file or folder") : Path.GetFullPath(path);
            if (Directory.Exists(full)) found.AddFolder(Path.TrimEndingDirectorySeparator(full));
            else if (File.Exists(full)) found.Add(full, named: true);
            else throw new InvalidInputException($"{path}: no such file or folder");
        }

        return found;
    }

    private void Add(string file, bool named)
    {
        if (_seen.Add(file)) Files.Add((file, named));
    }

    private void AddFolder(string root)
    {
        Folders.Add(root);
        var pending = new Stack<string>();
        pending.Push(root);
        while (pending.TryPop(out string? folder))
        {
            try
            {
                AddFilesOf(folder, pending);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Skipped.Add(new SkippedFile(folder, "the folder cannot be listed"));
            }
        }
    }

    private void AddFilesOf(string folder, Stack<string> pending)
    {
        var entries = new DirectoryInfo(folder).GetFileSystemInfos();
        Array.Sort(entries, (a, b) => string.CompareOrdinal(a.Name, b.Name));
        foreach (FileSystemInfo entry in entries)
        {
            if (entry.FullName == _except) continue;
            if (Reason(entry, entries) is { } reason)
            {
                if (_seen.Add(entry.FullName)) Skipped.Add(new SkippedFile(entry.FullName, reason));
            }
            else if (entry is FileInfo) Add(entry.FullName, named: false);
        }

        foreach (FileSystemInfo entry in entries.Reverse())
        {
            if (entry is DirectoryInfo && entry.FullName != _except && Reason(entry, entries) is null) pending.Push(entry.FullName);
        }
    }

    private static bool IsText(string path)
    {
        try
        {
            return TextDecoder.Decode(DocumentReader.Load(path, HeadBytes), []).Length > 0;
        }
        catch (UnreadableDocumentException)
        {
            return false;
        }
    }

    /// <summary>Why an entry of a folder is not read; null where it is.</summary>
    private static string? Reason(FileSystemInfo entry, FileSystemInfo[] siblings) => entry switch
    {
        { Name: ['.', ..] } => "hidden (its name begins with a dot)",
        { Exists: false } when entry.Name.Contains('\uFFFD', StringComparison.Ordinal) => "its name is not UTF-8; rename it",
        FileInfo =>
            DocumentKinds.Of(entry.Name) is null && (Path.HasExtension(entry.Name) || !IsText(entry.FullName))
                ? "not a kind of document that is read" : null,
        // It may lead back to where the walk came from.
        { LinkTarget: not null } => "a linked folder",
        _ => JunkFolder.Reason(entry.Name, siblings.OfType<FileInfo>().Select(file => file.Name)),
    };
}
