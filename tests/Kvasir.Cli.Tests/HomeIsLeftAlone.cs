namespace Kvasir.Cli.Tests;

/// <summary>No test keeps its prompts in the user's folder: where one is to be kept, the test names a folder of its own.</summary>
internal static class HomeIsLeftAlone
{
    [ModuleInitializer]
    internal static void TurnPromptCacheOff() => Environment.SetEnvironmentVariable("KVASIR_PROMPT_CACHE", "off");
}
