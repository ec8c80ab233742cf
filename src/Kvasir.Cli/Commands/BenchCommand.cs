using System.CommandLine;
using System.Globalization;
using Kvasir.Models;

namespace Kvasir.Cli.Commands;

/// <summary><c>bench</c>: speed of prefill and decode.</summary>
internal static class BenchCommand
{
    private const int MaxTokens = 1 << 20;

    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("bench", "Speed of prefill and decode, separately, at given depths; or of many sequences at once.", "kvasir bench --prompt 512 --gen 64 --depth 0,2048 --repeat 3\nkvasir bench --depth 2048 --kv k=f16,v=f16 --kv k=kivi4,v=kivi4 --json\nkvasir bench --kv-budget 512MB --depth 2048 --kv k=f16,v=f16 --kv k=kivi2,v=kivi2");
        var prompt = new Option<int>("--prompt") { Description = "Tokens of the prefill test; 0 leaves it out", HelpName = "N", DefaultValueFactory = _ => 512 };
        var generate = new Option<int>("--gen") { Description = "Tokens of the decode test; 0 leaves it out", HelpName = "N", DefaultValueFactory = _ => 64 };
        var depth = new Option<string>("--depth") { Description = "Tokens in the cache before the test", HelpName = "A,B", DefaultValueFactory = _ => "0" };
        var repeat = new Option<int>("--repeat") { Description = "Runs of each test; the median counts", HelpName = "N", DefaultValueFactory = _ => 3 };
        var batch = new Option<string?>("--batch") { Description = "Decode so many sequences at once, or with --kv-budget as many as fit (auto); no prefill test", HelpName = "N|auto" };
        foreach (Option option in new Option[] { prompt, generate, depth, repeat, batch }) command.Options.Add(option);
        CommonOptions common = CommonOptions.ForSequences(command);
        var budget = new KvBudgetOption(command);
        command.SetAction(parsed =>
        {
            BatchSize? size = ReadBatch(parsed.GetValue(batch), budget.Bytes(parsed));
            int tokens = size is not null && parsed.GetResult(prompt) is null or { Implicit: true } ? 0 : parsed.GetValue(prompt), generated = parsed.GetValue(generate), rounds = parsed.GetValue(repeat);
            int[] depths = IdList.Parse(parsed.GetValue(depth)!, "--depth");
            if (tokens < 0 || generated < 0 || tokens + generated == 0) throw new InvalidInputException("give --prompt or --gen above 0");
            if (size is not null && (tokens > 0 || generated == 0)) throw new InvalidInputException("a batch is measured in decoding: give --gen and no --prompt");
            if (rounds is < 1 or > 1000) throw new InvalidInputException($"--repeat {rounds}: give 1 to 1000");
            foreach (string kv in common.PolicyTexts(parsed)) Cache.KvPolicy.Parse(kv);
            long longest = depths.Max() + (long)Math.Max(tokens, generated);
            if (longest > MaxTokens) throw new InvalidInputException($"depth and test together are {longest} tokens; {MaxTokens} are the most");
            using Model model = common.LoadModel(parsed, terminal, (int)longest); // speed does not depend on what the model was trained for
            IReadOnlyList<NamedPolicy> policies = CommonOptions.Policies(common.PolicyTexts(parsed), model, terminal);
            if (size is null)
            {
                using var test = new SpeedTest(model, terminal);
                Print(terminal, common.Json(parsed), test.Run(policies, depths, tokens, generated, rounds));
            }
            else
            {
                using var test = new BatchSpeedTest(model, terminal);
                Print(terminal, common.Json(parsed), test.Run(policies, depths, generated, rounds, size));
            }
            return CommandLine.Done;
        });
        return command;
    }

    private static BatchSize? ReadBatch(string? batch, long? budget) => batch switch
    {
        null => budget is null ? null : new BatchSize(null, budget),
        "auto" => budget is null ? throw new InvalidInputException("--batch auto: give --kv-budget, into which the sequences are to fit") : new BatchSize(null, budget),
        _ => int.TryParse(batch, NumberStyles.None, CultureInfo.InvariantCulture, out int sequences) && sequences is > 0 and <= BatchSize.MostSequences
            ? new BatchSize(sequences, budget)
            : throw new InvalidInputException($"--batch {batch}: give 1 to {BatchSize.MostSequences} sequences, or auto"),
    };

    private static void Print(Terminal terminal, bool json, IEnumerable<SpeedRow> rows)
    {
        if (json)
        {
            foreach (SpeedRow row in rows) terminal.WriteJson(row);
            return;
        }

        IEnumerable<IReadOnlyList<string>> cells = rows.Select(row => (IReadOnlyList<string>)
            [row.Test, $"{row.Depth}", row.Kv, row.TokensPerSecond.ToString("0.0", CultureInfo.InvariantCulture), row.Min.ToString("0.0", CultureInfo.InvariantCulture), row.Max.ToString("0.0", CultureInfo.InvariantCulture), Units.Bytes(row.KvBytes), Units.Bytes(row.KvBytesPerSequence), Units.Bytes(row.PeakBytes)]);
        terminal.WriteTable(["test", "depth", "kv", "tokens/s", "min", "max", "KV", "KV each", "process peak"], [.. cells], 1, 3, 4, 5, 6, 7, 8);
    }
}
