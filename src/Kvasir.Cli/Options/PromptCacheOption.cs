namespace Kvasir.Cli.Options;

/// <summary><c>--prompt-cache</c> and <c>--prompt-cache-size</c>: where the KV of long prompts is kept for the next run.</summary>
internal sealed class PromptCacheOption(ExampleCommand command)
{
    private const string Variable = "KVASIR_PROMPT_CACHE", Off = "off";

    private readonly Option<string?> _folder = command.Option<string?>(
        "--prompt-cache", $"DIR|{Off}",
            $"Where the KV of long prompts is kept for the next run (default: {Variable}, or a folder in your home)");

    private readonly Option<string?> _size = command.Option<string?>(
        "--prompt-cache-size", "SIZE", "The most bytes kept there; what was not used for longest goes first (default: 2GB)");

    /// <summary>The store, or null where prompts are not kept.</summary>
    /// <exception cref="InvalidInputException">The folder or the size cannot be.</exception>
    public PromptStore? Open(ParseResult parsed)
    {
        long quota = Quota(parsed.GetValue(_size));
        string? folder = parsed.GetValue(_folder) ?? Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(folder)) folder = UserFolder();
        return folder is null or Off ? null : new PromptStore(folder, quota);
    }

    /// <summary>Null where the user has no home.</summary>
    private static string? UserFolder()
    {
        string home = Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return home.Length > 0 ? Path.Combine(home, "kvasir", "prompts") : null;
    }

    private static long Quota(string? text) =>
        text is null ? PromptStore.DefaultQuota : KvBudgetOption.ParseBytes(text, "--prompt-cache-size");
}
