namespace Kvasir.Cli.Commands;

/// <summary><c>bench</c>: speed of prefill and decode, and of answers from stored KV.</summary>
internal static class BenchCommand
{
    private const int MaxTokens = 1 << 20;

    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "bench",
            "Speed of prefill and decode, separately, at given depths; or of many sequences at once; or the time to the first token behind "
                + "a stored context.",
            "kvasir bench --prompt 512 --gen 64 --depth 0,2048 --repeat 3",
            "kvasir bench --depth 2048 --kv k=f16,v=f16 --kv k=kivi4,v=kivi4 --json",
            "kvasir bench --kv-budget 512MB --depth 2048 --kv k=f16,v=f16 --kv k=kivi2,v=kivi2",
            "kvasir bench --stored 1024,4096 --repair off,32");
        var prompt = command.Option("--prompt", "N", "Tokens of the prefill test; 0 leaves it out", 512).InRange(0, int.MaxValue);
        var generate = command.Option("--gen", "N", "Tokens of the decode test; 0 leaves it out", 64).InRange(0, int.MaxValue);
        var depth = command.Option("--depth", "A,B", "Tokens in the cache before the test", "0");
        var repeat = command.Option("--repeat", "N", "Runs of each test; the median counts", 3).InRange(1, 1000);
        var batch = command.Option<string?>(
            "--batch", "N|auto", "Decode so many sequences at once, or with --kv-budget as many as fit (auto); no prefill test");
        var stored = command.Option<string?>(
            "--stored", "A,B",
            "Time to the first token behind so many tokens, computed or from stored KV (kept as k=kivi4,v=kivi4 unless --kv is "
            + "given); no other test");
        var repair = command.Option(
            "--repair", "N|P%|off,...",
            "With --stored: tokens of each stored chunk but the first that are computed anew in place, as in ask; several are "
            + "measured in turn", "off");
        CommonOptions common = CommonOptions.ForSequences(command);
        var budget = new KvBudgetOption(command);
        return command.Returns(parsed =>
        {
            if (parsed.GetValue(stored) is { } contexts)
            {
                Option? other =
                    Array.Find<Option>([prompt, generate, depth, batch], option => parsed.GetResult(option) is { Implicit: false });
                if (other is not null) throw new InvalidInputException($"--stored is a test of its own: leave {other.Name} out");
                int[] lengths = IdList.Parse(contexts, "--stored");
                return RunStored(terminal, common, parsed, lengths, parsed.GetValue(repair)!, parsed.GetValue(repeat));
            }
            if (parsed.GetResult(repair) is { Implicit: false }) throw new InvalidInputException("--repair belongs to --stored");
            BatchSize? size = ReadBatch(parsed.GetValue(batch), budget.Bytes(parsed));
            int tokens = size is not null && parsed.GetResult(prompt) is null or { Implicit: true } ? 0 : parsed.GetValue(prompt);
            int generated = parsed.GetValue(generate), rounds = parsed.GetValue(repeat);
            int[] depths = IdList.Parse(parsed.GetValue(depth)!, "--depth");
            if (tokens + generated == 0) throw new InvalidInputException("give --prompt or --gen above 0");
            if (size is not null && (tokens > 0 || generated == 0))
                throw new InvalidInputException("a batch is measured in decoding: give --gen and no --prompt");
            foreach (string kv in common.PolicyTexts(parsed)) Cache.KvPolicy.Parse(kv);
            long longest = depths.Max() + (long)Math.Max(tokens, generated);
            if (longest > MaxTokens)
                throw new InvalidInputException($"depth and test together are {longest} tokens; {MaxTokens} are the most");
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
            return ExitCode.Done;
        });
    }

    private static int RunStored(Terminal terminal, CommonOptions common, ParseResult parsed, int[] contexts, string repair, int rounds)
    {
        ChunkRepair[] repairs =
            [.. repair.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(ChunkRepair.Parse)];
        if (repairs.Length == 0) throw new InvalidInputException("--repair is empty; give off, a number of tokens, or a percentage");
        if (contexts.Min() == 0) throw new InvalidInputException("--stored 0: give at least one token");
        if (contexts.Max() > MaxTokens) throw new InvalidInputException($"--stored {contexts.Max()}: {MaxTokens} tokens are the most");
        IReadOnlyList<string> texts = common.PolicyTexts(parsed, "k=kivi4,v=kivi4");
        foreach (string kv in texts) Cache.KvPolicy.Parse(kv);
        using Model model =
            common.LoadModel(parsed, terminal, StoredContext.PrefixTokens + contexts.Max() + StoredContextTest.QuestionTokens);
        using var test = new StoredContextTest(model, terminal);
        Print(terminal, common.Json(parsed), test.Run(CommonOptions.Policies(texts, model, terminal), contexts, repairs, rounds));
        return ExitCode.Done;
    }

    private static BatchSize? ReadBatch(string? batch, long? budget) => batch switch
    {
        null => budget is null ? null : new BatchSize(null, budget),
        "auto" => budget is null
            ? throw new InvalidInputException("--batch auto: give --kv-budget, into which the sequences are to fit")
            : new BatchSize(null, budget),
        _ => int.TryParse(batch, NumberStyles.None, CultureInfo.InvariantCulture, out int sequences)
            && sequences is > 0 and <= BatchSize.MostSequences
            ? new BatchSize(sequences, budget)
            : throw new InvalidInputException($"--batch {batch}: give 1 to {BatchSize.MostSequences} sequences, or auto"),
    };

    private static void Print(Terminal terminal, bool json, IEnumerable<SpeedRow> rows)
    {
        if (json) WriteJson(terminal, rows);
        else
        {
            string[] headings = ["test", "depth", "kv", "tokens/s", "min", "max", "KV", "KV each", "process peak"];
            terminal.WriteTable(headings, rows.ToList(), row =>
            [
                row.Test, $"{row.Depth}", row.Kv, $"{row.TokensPerSecond:0.0}", $"{row.Min:0.0}", $"{row.Max:0.0}",
                Units.Bytes(row.KvBytes), Units.Bytes(row.KvBytesPerSequence), Units.Bytes(row.PeakBytes),
            ], 1, 3, 4, 5, 6, 7, 8);
        }
    }

    private static void Print(Terminal terminal, bool json, IEnumerable<StoredRow> rows)
    {
        if (json) WriteJson(terminal, rows);
        else
        {
            string[] headings =
                ["test", "context", "kv", "repair", "first token", "min", "max", "CPU", "speedup", "loading", "KV", "allocated"];
            terminal.WriteTable(headings, rows.ToList(), row =>
            [
                row.Test, $"{row.Tokens}", row.Kv, row.Repair, Milliseconds(row.Seconds), Milliseconds(row.Min), Milliseconds(row.Max),
                Milliseconds(row.CpuSeconds), $"{row.Speedup:0.0}x", Milliseconds(row.LoadSeconds), Units.Bytes(row.LoadedBytes),
                Units.Bytes(row.AllocatedBytes),
            ], 1, 4, 5, 6, 7, 8, 9, 10, 11);
        }
    }

    /// <summary>Each row as soon as it is measured.</summary>
    private static void WriteJson(Terminal terminal, IEnumerable<object> rows)
    {
        foreach (object row in rows) terminal.WriteJson(row);
    }

    private static string Milliseconds(double seconds) => $"{seconds * 1000:0.0} ms";
}
