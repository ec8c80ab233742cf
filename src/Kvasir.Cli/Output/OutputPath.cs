namespace Kvasir.Cli.Output;

/// <summary>Files that a command is told to write: what can be known to fail is refused before the work begins.</summary>
internal static class OutputPath
{
    /// <exception cref="InvalidInputException">It is a folder, or its folder does not exist.</exception>
    public static void Check(string path)
    {
        if (path.Length == 0) throw new InvalidInputException("the output file's name is empty");
        if (Directory.Exists(path)) throw new InvalidInputException($"{path}: a folder; name a file to write");
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        if (!Directory.Exists(folder)) throw new InvalidInputException($"{path}: there is no folder {folder}; make it first");
    }
}
