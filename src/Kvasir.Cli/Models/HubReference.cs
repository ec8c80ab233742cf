using System.Text.RegularExpressions;

namespace Kvasir.Cli.Models;

/// <summary>A repository of the hub: <c>owner/repository[/file.gguf][:QUANT][@REVISION]</c>, or the address of its page or file.</summary>
/// <param name="Repository">Owner and repository.</param>
/// <param name="File">A file of it; null where one is chosen.</param>
/// <param name="Quant">The type of weights that is wanted, such as <c>Q4_K_M</c>; null where the usual one is.</param>
/// <param name="Revision">A branch, tag or commit.</param>
internal sealed partial record HubReference(string Repository, string? File, string? Quant, string Revision)
{
    public const string Newest = "main";

    /// <summary>Null where the text is no such reference.</summary>
    public static HubReference? Parse(string text)
    {
        Match match = Pattern().Match(text);
        return match.Success && !text.Contains("..", StringComparison.Ordinal)
            ? new HubReference(match.Groups["repository"].Value, Given("file"), Given("quant"), Given("revision") ?? Newest)
            : null;

        string? Given(string group) => match.Groups[group] is { Success: true, Value: var value } ? value : null;
    }

    /// <summary>The file that it names.</summary>
    public CatalogEntry Entry(string name) => new(name, Repository, File!, null, "see its page on the hub") { Revision = Revision };

    [GeneratedRegex(
        @"^(?:(?:https?://)?(?:www\.)?(?:hf\.co|huggingface\.co)/)?(?<repository>\w[\w.-]*/\w[\w.-]*)(?:/(?:(?:resolve|blob|tree)/(?<revision>[\w.-]+)/?)?(?<file>(?:\w[\w.-]*/)*\w[\w.-]*\.gguf)?(?:\?download=true)?)?(?::(?<quant>\w[\w.-]*))?(?:@(?<revision>\w[\w./-]*))?$",
        RegexOptions.IgnoreCase | RegexOptions.ECMAScript)]
    private static partial Regex Pattern();
}
