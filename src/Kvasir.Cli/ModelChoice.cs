using Kvasir.Cli.Models;

namespace Kvasir.Cli;

/// <summary>Which model a command uses; where there is none at all, a person at a terminal is offered to pull one.</summary>
internal static class ModelChoice
{
    private const string DefaultEmbedding = "all-MiniLM-L6-v2";

    public static string Resolve(string? given, Terminal terminal)
    {
        ModelFolders folders = ModelFolders.FromEnvironment();
        return OrPulled(() => new LocalModels(folders).Resolve(given), given ?? folders.DefaultModel, Catalog.DefaultName, folders, terminal);
    }

    /// <summary>The model for sentence embeddings.</summary>
    public static string ResolveEmbedding(string? given, Terminal terminal)
    {
        ModelFolders folders = ModelFolders.FromEnvironment();
        return OrPulled(() => new LocalModels(folders).ResolveEmbedding(given), given, DefaultEmbedding, folders, terminal);
    }

    private static string OrPulled(Func<string> resolve, string? named, string offered, ModelFolders folders, Terminal terminal)
    {
        try
        {
            return resolve();
        }
        catch (InvalidInputException) when (named is null && terminal is { InputIsInteractive: true, ErrorIsInteractive: true })
        {
            terminal.Error.Write($"No model was found. Pull {offered} into {folders.UserFolder}? [Y/n] ");
            if (ReadLine(terminal.In).Trim().ToUpperInvariant() is not ("" or "Y" or "YES")) throw;
            return ModelDownload.Pull(offered, folders, terminal).Path;
        }
    }

    /// <summary>One line, byte by byte: what comes after it belongs to the command.</summary>
    private static string ReadLine(Stream input)
    {
        var line = new List<byte>();
        for (int next = input.ReadByte(); next >= 0 && next != '\n'; next = input.ReadByte()) line.Add((byte)next);
        return TextInput.Decode([.. line], "standard input");
    }
}
