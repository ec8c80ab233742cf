namespace Kvasir.Cli.Commands;

/// <summary><c>factor table</c>: what thin keys save at the shapes of larger models, by the cache's own accounting.</summary>
internal static class FactorTableCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "table", "What thin keys save at the shapes of larger models: bytes of a user and users of a machine.",
            "kvasir factor table", "kvasir factor table --context 32768 --json");
        var context = command.Option("--context", "N", "Tokens of each user", 128 << 10).InRange(1, 1 << 24);
        var memory = command.Option("--memory", "GB", "Memory for KV, in units of 10^9 bytes", 80).InRange(1, 1 << 20);
        CommonOptions common = CommonOptions.ForOutput(command);
        return command.Does(parsed =>
        {
            FactorTableRow[] rows = [.. FactorTable.Rows(parsed.GetValue(context), parsed.GetValue(memory) * 1_000_000_000L)];
            if (common.Json(parsed))
                terminal.WriteJson(
                    new { Context = parsed.GetValue(context), MemoryBytes = parsed.GetValue(memory) * 1_000_000_000L, Rows = rows });
            else
                terminal.WriteTable(
                    ["shape", "kv", "bytes of a token", "of a user", "saved", "users"], rows,
                    row => [row.Shape, row.Kv, $"{row.BytesPerToken}", $"{row.Bytes / 1e9:0.00} GB", $"{row.SavedBytes / 1e9:0.00} GB",
                        $"{row.Users:0.0}"], 2, 3, 4, 5);
        });
    }
}
