using System.CommandLine.Parsing;

namespace Kvasir.Cli.Output;

/// <summary>What a store warns of, each in one line on standard error, with the command that mends it as it is to be typed.</summary>
internal static class StoreWarnings
{
    private static readonly string[] Kept = ["--store", "--model", "--embedder", "--kv", "--chunk-tokens", "--thin-store"];

    public static Action<StoreWarning> To(Terminal terminal, ParseResult parsed) => warning =>
        terminal.Warn(Words(warning) is { Length: > 0 } words
            ? $"{warning.Problem}; to mend it: {Command(words, parsed)}" : warning.Problem);

    /// <summary>The command that mends something of a whole store, as it is to be typed.</summary>
    public static string Command(StoreMend mend, ParseResult parsed) => Command(Words(new StoreWarning("", mend)), parsed);

    private static string[] Words(StoreWarning warning) => warning.Mend switch
    {
        StoreMend.Ingest => ["ingest", warning.File!],
        StoreMend.IngestAnew => ["ingest", "--force", warning.File!],
        StoreMend.IngestAll => ["ingest", "--stored"],
        StoreMend.IngestAllAnew => ["ingest", "--force", "--stored"],
        StoreMend.Remove => ["store", "rm", warning.File!],
        StoreMend.Verify => ["store", "verify"],
        StoreMend.Repair => ["store", "repair"],
        StoreMend.SetQuota => ["store", "quota", "SIZE"],
        _ => [],
    };

    /// <summary>The command on the same store with the same models.</summary>
    private static string Command(string[] words, ParseResult parsed)
    {
        string[] names = words[0] == "store" && words[1] != "verify" ? Kept[..1] : Kept;
        IEnumerable<string> options = parsed.CommandResult.Children.OfType<OptionResult>()
            .Where(option => !option.Implicit && names.Contains(option.Option.Name))
            .SelectMany(option => option.Tokens.Select(token => token.Value).Prepend(option.Option.Name));
        return TypedCommand.Line(words.Concat(options));
    }
}
