using Kvasir.Cli.Models;

namespace Kvasir.Cli.Options;

/// <summary>Which models a command uses, and a word where a better one could be had.</summary>
internal static class ModelChoice
{
    /// <summary>What is given with --embedder to find passages by their words alone.</summary>
    public const string NoEncoder = "none";

    /// <summary>The built-in model is never taken for a real one.</summary>
    public static string BuiltIn =>
        $"answered by the built-in demonstration model, which is often wrong; '{TypedCommand.Program} models pull "
        + $"{Catalog.BetterName}' ({Catalog.Require(Catalog.BetterName).Megabytes} MB) gets a real one";

    /// <summary>The model that generates text.</summary>
    public static string Resolve(string? given, Terminal terminal)
    {
        string path = new LocalModels(ModelFolders.FromEnvironment()).Resolve(given);
        if (DemonstrationModel.Is(path)) terminal.Remark(BuiltIn);
        return path;
    }

    /// <summary>The model for sentence embeddings; where there is none, a person at a terminal is offered to pull one.</summary>
    public static string ResolveEmbedding(string? given, Terminal terminal)
    {
        ModelFolders folders = ModelFolders.FromEnvironment();
        try
        {
            return new LocalModels(folders).ResolveEmbedding(given);
        }
        catch (InvalidInputException) when (given is null && Agrees(
            $"No sentence encoder was found. Pull {Catalog.DefaultEncoder} ({Catalog.Require(Catalog.DefaultEncoder).Megabytes} MB) "
            + $"into {folders.UserFolder}?", terminal))
        {
            return ModelDownload.Pull(Catalog.DefaultEncoder, folders, terminal).Path;
        }
    }

    /// <summary>
    /// The encoder that documents are asked with; without one (null), where none is wanted or none was named and there is none, words alone
    /// find the passages.
    /// </summary>
    /// <exception cref="InvalidInputException">The one that is named is not there.</exception>
    public static string? ResolveEncoder(string? given, Terminal terminal)
    {
        var models = new LocalModels(ModelFolders.FromEnvironment());
        if (given is not null) return given == NoEncoder ? null : models.ResolveEmbedding(given, "--embedder");
        string? found = models.First(ModelKind.Embedding);
        if (found is null)
            terminal.Note(
                $"no sentence encoder was found: passages are found by their words alone; '{TypedCommand.Program} models pull "
                + $"{Catalog.DefaultEncoder}' ({Catalog.Require(Catalog.DefaultEncoder).Megabytes} MB) finds what is said in other words "
                + "too");
        return found;
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
