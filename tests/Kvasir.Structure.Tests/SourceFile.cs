namespace Kvasir.Structure.Tests;

/// <summary>A source file of the project; the path is from its root, with forward slashes.</summary>
internal sealed record SourceFile(string Path, string Text)
{
    /// <summary>All C# files under <paramref name="folders"/> but those that a build wrote.</summary>
    public static IEnumerable<SourceFile> All(params string[] folders)
    {
        string root = SharedData.ProjectRoot();
        return folders.SelectMany(folder =>
            Directory.EnumerateFiles(System.IO.Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories))
            .Select(file => System.IO.Path.GetRelativePath(root, file).Replace('\\', '/'))
            .Where(file => !file.Split('/').Any(part => part is "bin" or "obj"))
            .Select(file => new SourceFile(file, File.ReadAllText(System.IO.Path.Combine(root, file))));
    }
}
