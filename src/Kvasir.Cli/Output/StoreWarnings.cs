using System.CommandLine.Parsing;

namespace Kvasir.Cli.Output;

/// <summary>What a store warns of, each in one line on standard error, with the command that mends it as it is to be typed.</summary>
internal static class StoreWarnings
{
    private static readonly string[] Kept = ["--store", "--model", "--embedder", "--kv", "--chunk-tokens", "--thin-store"];

    public static Action<StoreWarning> To(Terminal terminal, ParseResult parsed) => warning =>
        terminal.Warn(warning.Mend.Count == 0 ? warning.Problem : $"{warning.Problem}; to mend it: {Command(warning.Mend, parsed)}");

    /// <summary>The command on the same store with the same models.</summary>
    private static string Command(IReadOnlyList<string> words, ParseResult parsed)
    {
        string[] names = words[0] == "store" && words[1] != "verify" ? Kept[..1] : Kept;
        IEnumerable<string> options = parsed.CommandResult.Children.OfType<OptionResult>()
            .Where(option => !option.Implicit && names.Contains(option.Option.Name))
            .SelectMany(option => option.Tokens.Select(token => token.Value).Prepend(option.Option.Name));
        return TypedCommand.Line(words.Concat(options));
    }
}
