using System.Text.RegularExpressions;

namespace Kvasir.Structure.Tests;

public sealed partial class NamespaceTests
{
    /// <summary>Compiled into every test project, so of none.</summary>
    private const string Shared = "tests/Shared/";

    [Fact]
    public void Namespaces_are_folders()
    {
        string[] others = [.. SourceFile.All("src", "tests", "benchmarks")
            .Where(file => !file.Path.StartsWith(Shared, StringComparison.Ordinal) && !IsInItsFolder(file)).Select(file => file.Path)];
        Assert.Empty(others);
    }

    /// <summary>
    /// Every namespace of a file is its path below <c>src</c>, <c>tests</c> or <c>benchmarks</c>; a program without any is a project's main
    /// file.
    /// </summary>
    private static bool IsInItsFolder(SourceFile file)
    {
        string expected = string.Join('.', file.Path.Split('/')[1..^1]);
        string[] spaces = [.. Namespace().Matches(file.Text).Select(match => match.Groups[1].Value)];
        return spaces.Length == 0 ? file.Path.EndsWith("/Program.cs", StringComparison.Ordinal) : spaces.All(space => space == expected);
    }

    [GeneratedRegex(@"^\s*namespace ([\w.]+)", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Namespace();
}
