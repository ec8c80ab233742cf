namespace Kvasir.Cli.Commands;

/// <summary><c>store quota</c>: how much KV the store may keep.</summary>
internal static class StoreQuotaCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "quota",
            "Show or set the most bytes of KV that the store keeps. The least recently used goes first and is computed again when a "
                + "question needs it; texts and embeddings stay.",
            "kvasir store quota 4GB", "kvasir store quota none");
        Option<string?> store = LibraryChoice.StoreOption(command);
        var size = command.Argument<string?>(
            "size", "Bytes, as in 512MB or 4GB, or none for no limit (nothing given: show it)", ArgumentArity.ZeroOrOne);
        CommonOptions common = CommonOptions.ForOutput(command);
        return command.Does(parsed =>
        {
            long? quota = parsed.GetValue(size) is string text ? Parse(text) : null;
            using DocumentStore open = StoreCommand.Open(parsed, store, terminal);
            long freed = parsed.GetValue(size) is null ? 0 : open.SetKvQuota(quota);
            StoreStatistics numbers = open.Statistics();
            if (common.Json(parsed)) terminal.WriteJson(new { Quota = numbers.KvQuota, Used = numbers.KvBytes, FreedBytes = freed });
            else terminal.Out.WriteLine($"KV {Describe(numbers)}{(freed > 0 ? $"; {Units.Bytes(freed)} freed" : "")}");
        });
    }

    /// <summary>A size, or null for none.</summary>
    /// <exception cref="InvalidInputException">Neither.</exception>
    public static long? Parse(string text)
    {
        try
        {
            return text == "none" ? null : KvBudget.ParseBytes(text);
        }
        catch (InvalidInputException problem)
        {
            throw new InvalidInputException($"quota: {problem.Message}, or none", problem);
        }
    }

    public static string Describe(StoreStatistics numbers) =>
        $"{Units.Bytes(numbers.KvBytes)}{(numbers.KvQuota is long quota ? $" of a quota of {Units.Bytes(quota)}" : ", no quota")}";
}
