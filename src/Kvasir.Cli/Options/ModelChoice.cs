using Kvasir.Cli.Models;

namespace Kvasir.Cli.Options;

/// <summary>Which models a command uses; where one is missing, a person at a terminal is offered to pull it.</summary>
internal static class ModelChoice
{
    /// <summary>The model that generates text.</summary>
    public static string Resolve(string? given, Terminal terminal)
    {
        ModelFolders folders = ModelFolders.FromEnvironment();
        return OrPulled(() =>
            new LocalModels(folders).Resolve(given), given ?? folders.DefaultModel, Catalog.DefaultName, folders, terminal);
    }

    /// <summary>The model for sentence embeddings.</summary>
    public static string ResolveEmbedding(string? given, Terminal terminal)
    {
        ModelFolders folders = ModelFolders.FromEnvironment();
        return OrPulled(() => new LocalModels(folders).ResolveEmbedding(given), given, Catalog.DefaultEncoder, folders, terminal);
    }

    /// <summary>What is given with --embedder to find passages by their words alone.</summary>
    public const string NoEncoder = "none";

    /// <summary>
    /// The two models that documents are asked with; one message tells what is missing of them and how to get it. Without an encoder
    /// (null), where none is wanted or none was named and there is none, words alone find the passages.
    /// </summary>
    /// <exception cref="InvalidInputException">A named one is not there, or no language model is.</exception>
    public static (string Model, string? Encoder) ResolveBoth(string? model, string? encoder, Terminal terminal)
    {
        ModelFolders folders = ModelFolders.FromEnvironment();
        var models = new LocalModels(folders);
        string? chosen = (model ?? folders.DefaultModel) is null ? models.First(ModelKind.Chat) : models.Resolve(model);
        string? embedder = encoder switch
        {
            NoEncoder => null,
            null => models.First(ModelKind.Embedding),
            _ => models.ResolveEmbedding(encoder, "--embedder"),
        };
        bool lacksEncoder = encoder is null && embedder is null;
        CatalogEntry usual = Catalog.Require(Catalog.DefaultEncoder);
        if (chosen is not null)
        {
            if (lacksEncoder)
                terminal.Note(
                    $"no sentence encoder was found: passages are found by their words alone; '{TypedCommand.Program} models pull "
                    + $"{usual.Name}' ({usual.Megabytes} MB) finds what is said in other words too");
            return (chosen, embedder);
        }

        CatalogEntry[] missing = lacksEncoder ? [Catalog.Require(Catalog.DefaultName), usual] : [Catalog.Require(Catalog.DefaultName)];
        if (!Agrees(
            "Two files are needed, a language model and a sentence encoder. Pull "
            + $"{Listed(missing, entry => $"{entry.Name} ({entry.Megabytes} MB)")} into {folders.UserFolder}?", terminal))
        {
            string which = lacksEncoder ? "neither was found" : "the language model was not found";
            throw new InvalidInputException(
                $"two files are needed, a language model and a sentence encoder, and {which}; run "
                    + $"{Listed(missing, entry => $"'{TypedCommand.Program} models pull {entry.Name}' ({entry.Megabytes} MB)")}; "
                + $"without a network, copy {Listed(missing, entry => $"{entry.LocalName} (from huggingface.co/{entry.Repository})")} "
                    + $"into {folders.UserFolder} or a folder that KVASIR_MODELS names, "
                + $"or name GGUF files with --model and --embedder; then: {TypedCommand.Line(terminal.Arguments)}");
        }

        string[] pulled = [.. missing.Select(entry => ModelDownload.Pull(entry.Name, folders, terminal).Path)];
        return (pulled[0], lacksEncoder ? pulled[1] : embedder);
    }

    private static string Listed(CatalogEntry[] entries, Func<CatalogEntry, string> text) => string.Join(" and ", entries.Select(text));

    private static string OrPulled(Func<string> resolve, string? named, string offered, ModelFolders folders, Terminal terminal)
    {
        try
        {
            return resolve();
        }
        catch (InvalidInputException) when (named is null
            && Agrees($"No model was found. Pull {offered} ({Catalog.Require(offered).Megabytes} MB) into {folders.UserFolder}?", terminal))
        {
            return ModelDownload.Pull(offered, folders, terminal).Path;
        }
    }

    /// <summary>Asks a person; false where none sits there.</summary>
    private static bool Agrees(string question, Terminal terminal)
    {
        if (terminal is not { InputIsInteractive: true, ErrorIsInteractive: true }) return false;
        terminal.Error.Write(question + " [Y/n] ");
        return ReadLine(terminal.In).Trim().ToUpperInvariant() is "" or "Y" or "YES";
    }

    /// <summary>One line, byte by byte: what comes after it belongs to the command.</summary>
    private static string ReadLine(Stream input)
    {
        var line = new List<byte>();
        for (int next = input.ReadByte(); next >= 0 && next != '\n'; next = input.ReadByte()) line.Add((byte)next);
        return TextInput.Decode([.. line], "standard input");
    }
}
