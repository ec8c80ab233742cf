using Kvasir.Cli.Models;

namespace Kvasir.Cli.Commands;

/// <summary><c>models</c>: the models on this machine, and those that can be pulled.</summary>
internal static class ModelsCommand
{
    public static Command Create(Terminal terminal) =>
        new ExampleCommand("models", "Models on this machine, and downloads.",
            "kvasir models ls", "kvasir models pull SmolLM2-135M-Instruct")
        {
            List(terminal),
            Pull(terminal),
        };

    private static ExampleCommand List(Terminal terminal)
    {
        var command = new ExampleCommand("ls", "The models in the models folders; --all shows those that can be pulled too.",
            "kvasir models ls --all");
        var all = command.Flag("--all -a", "Also what can be pulled by name");
        CommonOptions common = CommonOptions.ForOutput(command);
        return command.Does(parsed =>
        {
            ModelFolders folders = ModelFolders.FromEnvironment();
            List<LocalModel> models = [.. new LocalModels(folders).List()];
            IReadOnlyList<CatalogEntry> pullable = parsed.GetValue(all) ? Catalog.Entries : [];
            if (common.Json(parsed))
                terminal.WriteJson(new
                {
                    folders.Folders,
                    Models = models,
                    Pullable = pullable.Select(entry => new
                    {
                        entry.Name,
                        entry.Repository,
                        entry.File,
                        entry.Licence,
                        entry.Megabytes,
                        entry.Use,
                    }),
                });
            else Print(terminal, folders, models, pullable);
        });
    }

    private static ExampleCommand Pull(Terminal terminal)
    {
        var command = new ExampleCommand("pull", "Download a model by name; goes on where it was interrupted, and checks the SHA-256.",
            "kvasir models pull Qwen3-0.6B",
            "kvasir models pull unsloth/Qwen3-4B-GGUF:Q4_K_M",
            "kvasir models pull owner/repository/file.gguf");
        var name = command.Argument<string>(
            "name",
            "A name that kvasir models ls --all shows, or of Hugging Face owner/repository[:TYPE][@REVISION] (TYPE as in Q4_K_M, "
            + "which is taken where there is none) or owner/repository/file.gguf");
        CommonOptions common = CommonOptions.ForOutput(command);
        return command.Does(parsed =>
        {
            PulledModel pulled = ModelDownload.Pull(parsed.GetValue(name)!, ModelFolders.FromEnvironment(), terminal);
            string said = pulled.WasThere ? "was there already" : pulled.Checked ? "checksum right" : "no checksum was published";
            if (common.Json(parsed)) terminal.WriteJson(pulled);
            else terminal.Out.WriteLine($"{pulled.Path}: {Units.Bytes(pulled.Bytes)}, {said}");
        });
    }

    private static void Print(Terminal terminal, ModelFolders folders, List<LocalModel> models, IReadOnlyList<CatalogEntry> pullable)
    {
        if (models.Count > 0)
        {
            terminal.WriteTable(["model", "kind", "architecture", "size", "path"], models, model =>
                [model.Name, model.Kind.ToString().ToLowerInvariant(), model.Architecture, Units.Bytes(model.Bytes), model.Path], 3);
        }
        else
        {
            string places = string.Join(" or ", folders.Folders);
            terminal.Out.WriteLine($"no models in {places}; {TypedCommand.Program} models pull {Catalog.DefaultName} gets one");
        }

        if (pullable.Count == 0) return;
        terminal.WriteTable(["can be pulled", "MB", "use", "from", "licence"], pullable, entry =>
            [entry.Name, $"{entry.Megabytes}", entry.Use, entry.Repository, entry.Licence], 1);
    }
}
