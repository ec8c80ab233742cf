using System.Text.RegularExpressions;

namespace Kvasir.Structure.Tests;

/// <summary>
/// Lines end at <c>max_line_length</c> of .editorconfig. Raw strings of several lines are other people's text and may be longer.
/// </summary>
public sealed partial class LineLengthTests
{
    /// <summary>
    /// Folders with longer lines, and at most how many: texts of others that read better whole (pages, patterns, documents of tests). A
    /// line goes when its folder has none; none is added, no number raised.
    /// </summary>
    private static readonly Dictionary<string, int> StillLonger = new()
    {
        ["src/Kvasir.Cli/Measuring"] = 1,
        ["src/Kvasir.Cli/Models"] = 2,
        ["src/Kvasir.Cli/Reports"] = 10,
        ["src/Kvasir.Documents/Reading"] = 3,
        ["tests/Kvasir.Documents.Tests"] = 40,
        ["tests/Kvasir.Tests/Tokenization"] = 3,
    };

    [Fact]
    public void Lines_are_no_longer_than_the_editor_is_told()
    {
        int longest = int.Parse(Setting().Match(File.ReadAllText(Path.Combine(SharedData.ProjectRoot(), ".editorconfig"))).Groups[1].Value,
            CultureInfo.InvariantCulture);
        string[] longer = [.. SourceFile.All("src", "tests", "benchmarks", "examples").SelectMany(file => LongLines(file, longest))];
        ILookup<string, string> byFolder = longer.ToLookup(place => string.Join('/', place.Split('/')[..^1].Take(3)));
        string[] added = [.. byFolder.Where(folder => folder.Count() > StillLonger.GetValueOrDefault(folder.Key))
            .SelectMany(folder => folder)];
        Assert.True(added.Length == 0, $"more than {longest} columns, or more such lines than the list has:\n{string.Join('\n', added)}");
        string[] done = [.. StillLonger.Keys.Where(folder => !byFolder.Contains(folder))];
        Assert.True(done.Length == 0, $"no longer so; take it from the list: {string.Join(", ", done)}");
    }

    private static IEnumerable<string> LongLines(SourceFile file, int longest)
    {
        bool inText = false;
        foreach ((int index, string line) in file.Text.Split('\n').Index())
        {
            if (!inText && line.TrimEnd('\r').Length > longest) yield return $"{file.Path}:{index + 1}";
            if (RawQuotes().Count(line) % 2 == 1) inText = !inText;
        }
    }

    [GeneratedRegex(@"^max_line_length = (\d+)\s*$", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Setting();

    [GeneratedRegex("\"{3,}", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex RawQuotes();
}
