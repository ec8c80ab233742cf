using System.Text.RegularExpressions;

namespace Kvasir.Structure.Tests;

/// <summary>
/// The folders of the projects under <c>src</c> in the order in which they may use each other, as the tables of docs/architecture.md give
/// it.
/// </summary>
internal sealed partial class LayerMap
{
    private readonly List<Layer> _layers;

    private LayerMap(List<Layer> layers) => _layers = layers;

    public IReadOnlyList<Layer> Layers => _layers;

    /// <summary>
    /// Reads every table under a heading <c>### src/PROJECT</c>; a row's first cell is a folder, <c>./</c> for the project's own.
    /// </summary>
    public static LayerMap Read(string markdown)
    {
        var layers = new List<Layer>();
        string? project = null;
        foreach (string line in markdown.Split('\n').Select(line => line.TrimEnd()))
        {
            if (line.StartsWith('#')) project = Heading().Match(line) is { Success: true } heading ? heading.Groups[1].Value : null;
            else if (project is not null && Row().Match(line) is { Success: true } row)
                layers.Add(new Layer(project, row.Groups[1].Value.TrimEnd('/'), StartFilesOf(row.Groups[2].Value)));
        }

        return new LayerMap(layers);
    }

    /// <summary>
    /// The folder of a namespace: the deepest that is in the table, so that folders in a folder count as that one; null for a namespace
    /// that is none of ours.
    /// </summary>
    public Layer? Of(string space) =>
        _layers.Where(layer => (space + ".").StartsWith(layer.Namespace + ".", StringComparison.Ordinal))
            .MaxBy(layer => layer.Namespace.Length);

    /// <summary>
    /// Whether <paramref name="user"/> stands below <paramref name="used"/>: projects stand one on another as their tables do, and so do
    /// the rows of a table.
    /// </summary>
    public bool Allows(Layer user, Layer used) => _layers.IndexOf(user) >= _layers.IndexOf(used);

    [GeneratedRegex(@"^### `src/([\w.]+)`", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Heading();

    private static string[] StartFilesOf(string cells) =>
        [.. InBackticks().Matches(cells.TrimEnd('|', ' ').Split('|')[^1]).Select(match => match.Groups[1].Value)];

    [GeneratedRegex("`([^`]+)`", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex InBackticks();

    [GeneratedRegex(@"^\| `([\w./]+/)` \|(.*)$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Row();
}

/// <summary>A folder of a project under <c>src</c>; <c>.</c> is the project's own.</summary>
internal sealed record Layer(string Project, string Folder, IReadOnlyList<string> StartFiles)
{
    public string Namespace => Folder == "." ? Project : $"{Project}.{Folder.Replace('/', '.')}";

    public override string ToString() => Folder == "." ? $"src/{Project}" : $"src/{Project}/{Folder}";
}
