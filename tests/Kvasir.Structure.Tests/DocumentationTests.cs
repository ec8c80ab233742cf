using System.Text.RegularExpressions;

namespace Kvasir.Structure.Tests;

/// <summary>What the project's documents point at is there.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string Root = SharedData.ProjectRoot();

    public static TheoryData<string> Documents => [.. Directory.EnumerateFiles(Root, "*.md")
        .Concat(Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories))
        .Concat(Directory.EnumerateFiles(Path.Combine(Root, "benchmarks/results"), "*.md"))
        .Append(Path.Combine(Root, "examples/README.md"))
        .Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'))];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Files_that_a_document_names_exist(string document)
    {
        string text = File.ReadAllText(Path.Combine(Root, document));
        string folder = Path.GetDirectoryName(Path.Combine(Root, document))!;
        IEnumerable<string> named = Named().Matches(text).Select(match => Path.Combine(Root, match.Groups[1].Value));
        IEnumerable<string> linked = Link().Matches(text).Select(match => Path.Combine(folder, match.Groups[1].Value));
        Assert.Empty(named.Concat(linked).Where(path => !File.Exists(path) && !Directory.Exists(path))
            .Select(path => Path.GetRelativePath(Root, path)));
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void A_document_is_written_to_its_end(string document) =>
        Assert.DoesNotMatch(Unfinished(), File.ReadAllText(Path.Combine(Root, document)));

    [Fact]
    public void Every_method_names_a_file()
    {
        string[] rows = [.. File.ReadLines(Path.Combine(Root, "docs/methods.md"))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| method", StringComparison.Ordinal))];
        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.Matches(Named(), row));
    }

    [Fact]
    public void What_each_folder_starts_with_is_there()
    {
        LayerMap map = LayerMap.Read(File.ReadAllText(Path.Combine(Root, "docs/architecture.md")));
        IEnumerable<string> missing = from layer in map.Layers
                                      from file in layer.StartFiles
                                      let path = Path.Combine(Root, "src", layer.Project, layer.Folder, file)
                                      where !File.Exists(path) && !Directory.Exists(path)
                                      select $"{layer}: {file}";
        Assert.Empty(missing);
    }

    /// <summary>A path from the root in backticks; one with a NAME in capitals is to be filled in.</summary>
    [GeneratedRegex(@"\b(PLACEHOLDER|TODO|TBD|FIXME)\b", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"`((?:src|tests|docs|benchmarks)/(?![^`]*NAME)[\w./-]+)`", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Named();

    [GeneratedRegex(@"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Link();
}
