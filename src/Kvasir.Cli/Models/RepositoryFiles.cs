using System.Text.Json;
using System.Text.RegularExpressions;

namespace Kvasir.Cli.Models;

/// <summary>A file of a repository on the hub.</summary>
internal sealed record RepositoryFile(string Path, long? Bytes, string? Sha256);

/// <summary>The model files of a repository, and which of them is the one to take.</summary>
internal static partial class RepositoryFiles
{
    /// <summary>Types of weights, best first where none is named: four bits, then what is nearest to them.</summary>
    private static readonly string[] s_preferred =
        ["Q4_K_M", "Q4_K_S", "Q4_1", "Q4_0", "Q4_K_L", "Q5_K_M", "Q5_K_S", "Q5_1", "Q5_0", "Q6_K", "Q8_0", "IQ4_NL", "IQ4_XS", "Q3_K_L",
            "Q3_K_M", "BF16", "F16", "F32"];

    /// <summary>The files that the hub lists: the objects of its tree, or the siblings of its description.</summary>
    /// <exception cref="JsonException">Not such a list.</exception>
    public static IReadOnlyList<RepositoryFile> Parse(JsonElement list)
    {
        if (list.ValueKind == JsonValueKind.Object && list.TryGetProperty("siblings", out JsonElement siblings)) list = siblings;
        return list.ValueKind != JsonValueKind.Array ? throw new JsonException("not a list of files")
            : [.. list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object).Select(File)
            .Where(file => file.Path.Length > 0)];
    }

    /// <summary>The model of type <paramref name="quant"/>, else the best that can be read: one file, or all its parts in order.</summary>
    /// <exception cref="InvalidInputException">There is none; the message lists what there is.</exception>
    public static IReadOnlyList<RepositoryFile> Choose(IReadOnlyList<RepositoryFile> files, string? quant, string repository)
    {
        var models = files.Where(file => Model().IsMatch(file.Path))
            .GroupBy(file => Part().Replace(file.Path, ".gguf"), StringComparer.Ordinal)
            .Select(group =>
                (Quant: Quant().Match(group.Key).Groups[1].Value.ToUpperInvariant(),
                    Files: group.OrderBy(file => file.Path, StringComparer.Ordinal).ToList())).ToList();
        if (models.Count == 0)
            throw new InvalidInputException(
                $"{repository} holds no GGUF model; name a repository that does (their names often end in -GGUF)");
        var readable = models.Where(model => !Unreadable().IsMatch(model.Quant)).OrderBy(model => model.Files[0].Path.Length).ToList();
        string[] wanted = quant is null ? s_preferred : [quant.ToUpperInvariant()];
        foreach (string type in wanted)
            if (readable.Find(model => model.Quant == type || (quant is not null && model.Quant == "UD-" + type)) is { Files: { } found })
                return Whole(found, repository);
        if (quant is null && readable.Count > 0) return Whole(readable[0].Files, repository);
        string there = string.Join(
            ", ", (readable.Count > 0 ? readable : models).Select(model => model.Quant.Length > 0 ? model.Quant : model.Files[0].Path)
            .Distinct().Order(StringComparer.Ordinal));
        throw new InvalidInputException(readable.Count == 0
            ? $"{repository} holds weights of the types {there} only, which cannot be read here"
            : $"{repository} has no {quant} that can be read here; it has {there}");
    }

    private static List<RepositoryFile> Whole(List<RepositoryFile> files, string repository)
    {
        int parts = Part().Match(files[0].Path) is { Success: true } match
            ? int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : 1;
        return parts == files.Count ? files
            : throw new InvalidInputException(
            $"{repository}: {files[0].Path} is one of {parts} parts, but only {files.Count} of them are there; choose another type");
    }

    private static RepositoryFile File(JsonElement item)
    {
        JsonElement stored = item.TryGetProperty("lfs", out JsonElement lfs) && lfs.ValueKind == JsonValueKind.Object ? lfs : item;
        string? sha256 = Text(stored, "oid") ?? Text(stored, "sha256");
        return new RepositoryFile(
            Text(item, "path") ?? Text(item, "rfilename") ?? "",
            stored.TryGetProperty("size", out JsonElement size) && size.TryGetInt64(out long bytes) ? bytes : null,
            sha256?.Length == HubResponse.Sha256Digits ? sha256 : null);
    }

    private static string? Text(JsonElement item, string name) =>
        item.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>GGUF files that hold a language model or encoder: not an image encoder, an importance matrix or a vocabulary.</summary>
    [GeneratedRegex(@"^(?!.*(mmproj|imatrix|vocab))(?:[A-Za-z0-9_][\w.-]*/)*[A-Za-z0-9_][\w.+-]*\.gguf$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Model();

    [GeneratedRegex(@"-\d{5}-of-(\d{5})\.gguf$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Part();

    [GeneratedRegex(@"(?:^|[-._/])((?:UD-)?(?:I?Q\d\w*|TQ\d\w*|MXFP\d\w*|B?F16|F32))\.gguf$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Quant();

    [GeneratedRegex(@"^(UD-)?(IQ[123]|TQ|MXFP|Q4_0_)", RegexOptions.CultureInvariant)]
    private static partial Regex Unreadable();
}
