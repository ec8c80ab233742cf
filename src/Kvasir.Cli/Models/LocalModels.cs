using System.Text.RegularExpressions;

namespace Kvasir.Cli.Models;

/// <summary>
/// Finds models on this machine: what lies directly in the models folders comes before what lies in their sub-folders, and last comes the
/// built-in one.
/// </summary>
internal sealed partial class LocalModels(ModelFolders folders)
{
    private const int MaxDepth = 3;

    /// <summary>Every model, in the order in which they are found.</summary>
    public IEnumerable<LocalModel> List() => Paths().Select(LocalModel.Read);

    /// <summary>
    /// The model that <c>--model</c> names: a GGUF file, a Hugging Face folder, or a name in a models folder (any letter case, with or
    /// without <c>.gguf</c> or the weights' type); without one, <c>KVASIR_MODEL</c>, else the first chat model found.
    /// </summary>
    /// <exception cref="InvalidInputException">There is none.</exception>
    public string Resolve(string? given) => (given ?? folders.DefaultModel) is string named
        ? Named(named, "--model")
        : First(ModelKind.Chat) ?? throw new InvalidInputException($"no model was found; {Mend(Catalog.DefaultName, "--model")}");

    /// <summary>The sentence-embedding model: the one named, else the first found.</summary>
    /// <exception cref="InvalidInputException">There is none.</exception>
    public string ResolveEmbedding(string? given, string option = "--model") => given is not null
        ? Named(given, option)
        : First(ModelKind.Embedding)
            ?? throw new InvalidInputException($"no sentence-embedding model was found; {Mend(Catalog.DefaultEncoder, option)}");

    /// <summary>The first model that can be used for this, in the order in which they are found; null where there is none.</summary>
    public string? First(ModelKind kind) => Paths().FirstOrDefault(path => LocalModel.Read(path).Kind == kind);

    private string Named(string given, string option)
    {
        if (File.Exists(given) || IsModelFolder(given)) return Path.GetFullPath(given);
        string wanted = LocalModel.NameOf(given.Replace('\\', '/').TrimEnd('/'));
        string[] paths = [.. Paths().Where(path => LiesUnder(path, given))];
        return paths.FirstOrDefault(path => LocalModel.NameOf(path).Equals(wanted, StringComparison.OrdinalIgnoreCase))
            ?? paths.FirstOrDefault(path =>
                IsVariant(LocalModel.NameOf(path), wanted)
                    || Path.GetFileName(path).Equals(Catalog.Find(given)?.LocalName, StringComparison.OrdinalIgnoreCase))
            ?? throw new InvalidInputException(Directory.Exists(given)
                ? $"{given}: the folder holds no model (config.json is missing); name a GGUF file or a Hugging Face folder"
                : $"there is no model '{given}': no such file, and none of this name in {string.Join(" or ", folders.Folders)}; "
                    + $"{Mend(Catalog.Find(given)?.Name, option)}");
    }

    /// <summary>A name such as <c>tiny/model</c> asks for a model in a folder of that name.</summary>
    private static bool LiesUnder(string path, string given)
    {
        string? folder = Path.GetDirectoryName(given.TrimEnd('/'));
        return string.IsNullOrEmpty(folder)
            || (Path.GetDirectoryName(path) ?? "").EndsWith(Path.DirectorySeparatorChar + folder, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The name followed by the type of the weights, as in <c>NAME-Q8_0</c> or <c>NAME.Q4_K_M</c>.</summary>
    private static bool IsVariant(string name, string wanted) =>
        name.StartsWith(wanted, StringComparison.OrdinalIgnoreCase) && WeightType().IsMatch(name.AsSpan(wanted.Length));

    private string Mend(string? pullable, string option) =>
        $"{(pullable is null ? "" : $"run '{TypedCommand.Program} models pull {pullable}' ({Catalog.Find(pullable)!.Megabytes} MB), ")}put a GGUF file into {folders.UserFolder} or a folder that KVASIR_MODELS names, or pass {option} PATH";

    private IEnumerable<string> Paths()
    {
        var deeper = new List<string>();
        foreach (string folder in folders.Folders)
        {
            foreach (string path in In(folder, deeper)) yield return path;
        }

        for (int depth = 1; depth <= MaxDepth && deeper.Count > 0; depth++)
        {
            List<string> level = deeper;
            deeper = [];
            foreach (string path in level.SelectMany(folder => In(folder, deeper)).ToList()) yield return path;
        }

        if (File.Exists(DemonstrationModel.Path)) yield return DemonstrationModel.Path;
    }

    /// <summary>The models directly in a folder; its other sub-folders are added to <paramref name="deeper"/>.</summary>
    private static List<string> In(string folder, List<string> deeper)
    {
        var found = new List<string>();
        try
        {
            foreach (string entry in Directory.EnumerateFileSystemEntries(folder).Order(StringComparer.OrdinalIgnoreCase))
            {
                bool isHidden = Path.GetFileName(entry).StartsWith('.');
                if (isHidden || IsLaterPart(entry)) continue;
                if (IsModelFolder(entry) || (entry.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && File.Exists(entry)))
                    found.Add(entry);
                else if (Directory.Exists(entry)) deeper.Add(entry);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return found;
        }

        return found;
    }

    private static bool IsModelFolder(string path) => File.Exists(Path.Combine(path, "config.json"));

    private static bool IsLaterPart(string path) => LaterPart().IsMatch(path) && !path.Contains("-00001-of-", StringComparison.Ordinal);

    [GeneratedRegex(@"-\d{5}-of-\d{5}\.gguf$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex LaterPart();

    [GeneratedRegex(@"^[.\-_](I?Q\d\w*|B?F16|F32)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex WeightType();
}
