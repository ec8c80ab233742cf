using System.Text.RegularExpressions;

namespace Kvasir.Structure.Tests;

/// <summary>
/// Libraries are used from programs that have no flags of ours: their messages name what is meant, not how the command line spells it.
/// </summary>
public sealed partial class FlagNameTests
{
    /// <summary>The word by which the library's own program is started, and flags of the runtime that starts it.</summary>
    private static readonly string[] Own = ["--read-documents", "--runtimeconfig"];

    [Fact]
    public void No_library_names_flags_of_the_command_line()
    {
        string[] found = [.. SourceFile.All("src").Where(file => !file.Path.StartsWith("src/Kvasir.Cli/", StringComparison.Ordinal))
            .SelectMany(file =>
                InString().Matches(file.Text).Select(match => match.Groups[1].Value).Except(Own).Select(flag => $"{file.Path}: {flag}"))];
        Assert.True(found.Length == 0, string.Join('\n', found));
    }

    /// <summary>A flag behind a quotation mark on the same line, comments left out.</summary>
    [GeneratedRegex("""^(?!\s*//)[^"\n]*"[^\n]*?(?<![-\w])(--[a-z][a-z-]+)""", RegexOptions.Multiline | RegexOptions.CultureInvariant,
        10000)]
    private static partial Regex InString();
}
