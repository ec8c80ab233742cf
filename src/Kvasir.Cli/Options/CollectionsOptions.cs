using Kvasir.Server;

namespace Kvasir.Cli.Options;

/// <summary>The folder of the collections of documents, and the two models, for commands that serve them to others.</summary>
internal sealed class CollectionsOptions(ExampleCommand command, CommonOptions common)
{
    private readonly Option<string?> _store = command.Option<string?>(
        "--store", "DIR", "The folder with a store of documents for each collection (default: collections, beside the store in your home)");

    private readonly Option<string?> _embedder = LibraryChoice.EmbedderOption(command);

    /// <summary>Loads both models and gives them to what serves.</summary>
    public void With(ParseResult parsed, Terminal terminal, Func<Model, Model?, ServerOptions, Task> serve)
    {
        string? encoderPath = ModelChoice.ResolveEncoder(parsed.GetValue(_embedder), terminal);
        using Model model = common.LoadTextModel(parsed, terminal);
        using Model? encoder = encoderPath is null ? null : Model.Load(encoderPath, common.ModelOptions(parsed));
        serve(model, encoder, new ServerOptions { DocumentsFolder = Folder(parsed) }).GetAwaiter().GetResult();
    }

    private string Folder(ParseResult parsed) => parsed.GetValue(_store) is { Length: > 0 } given ? given
        : Path.Combine(Path.GetDirectoryName(Path.GetFullPath(LibraryChoice.StoreFolder(null)))!, "collections");
}
