namespace Kvasir.Cli.Commands;

/// <summary><c>compare</c>: quality, memory and speed of several policies on one model.</summary>
internal static class CompareCommand
{
    private const string Baseline = "k=f16,v=f16";
    private const int MaxTokens = 1 << 20, DefaultKvLength = 4096, DefaultPasskeyTokens = 1000;

    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "compare", "Quality, memory and speed of cache policies side by side, with float16 as the baseline.",
            "kvasir compare --policies k=kivi4,v=kivi4 k=kivi2,v=kivi2",
            "kvasir compare --policies k=kivi4,v=kivi4 k=kivi4,v=kivi2 --file wiki.txt --depth 0,2048,8192 --report compare.html",
            "kvasir compare --policies k=kivi4,v=kivi4 --windows 4 --passkey 0 --depth 0 --json");
        Option<string[]> policies = command.Option<string[]>("--policies", "P1 P2", "The policies; float16 is always measured too");
        (policies.Required, policies.AllowMultipleArgumentsPerToken) = (true, true);
        var file = command.Option<string?>("--file -f", "FILE", "The text to score (default: texts that the model writes itself)");
        var prefill = command.Option(
            "--prefill", "P", "Tokens of a window computed at once, before scoring", 512).InRange(1, PplProtocol.MaxTokens);
        var score = command.Option(
            "--score", "S", "Tokens of a window fed and scored one after another", 128).InRange(1, PplProtocol.MaxTokens);
        var windows = command.Option<int?>("--windows", "N", "How many windows (default 8)").InRange(1, PplProtocol.MaxTokens);
        var starts = command.Option<string?>("--starts", "A,B", "Where windows start in the file, in tokens (default: evenly)");
        var passkey = command.Option("--passkey", "N", "Pass-key prompts made up for this model; 0 leaves them out", 20).InRange(0, 10_000);
        var passkeyTokens = command.Option<int?>(
            "--passkey-tokens", "N",
            "Tokens of each pass-key text (default 1000, less where the context is shorter)").InRange(1, MaxTokens);
        var kvLength = command.Option<int?>(
            "--kv-length", "N",
            "Tokens in the cache whose bytes are counted (default 4096, less where the context is shorter)").InRange(1, MaxTokens);
        var depth = command.Option("--depth", "A,B", "Tokens in the cache before a speed test", "0,2048");
        var prompt = command.Option("--prompt", "N", "Tokens of the prefill test; 0 leaves it out", 512).InRange(0, MaxTokens);
        var generate = command.Option("--gen", "N", "Tokens of the decode test; 0 leaves it out", 32).InRange(0, MaxTokens);
        var repeat = command.Option("--repeat", "N", "Runs of each speed test, policies in turn; the median counts", 3).InRange(1, 1000);
        var report = command.Option<string?>("--report", "FILE.html", "Also write a page with table and plots");
        CommonOptions common = CommonOptions.ForModel(command);
        return command.Does(parsed =>
        {
            string[] texts = [Baseline, .. parsed.GetValue(policies)!];
            foreach (string kv in texts) KvPolicy.Parse(kv);
            var windowing =
                new PplProtocol(null, parsed.GetValue(prefill), parsed.GetValue(score), parsed.GetValue(windows), parsed.GetValue(starts));
            int[] depths = IdList.Parse(parsed.GetValue(depth)!, "--depth");
            if (depths.Max() > MaxTokens) throw new InvalidInputException($"--depth {depths.Max()}: give 0 to {MaxTokens}");
            int prompted = parsed.GetValue(prompt), generated = parsed.GetValue(generate), prompts = parsed.GetValue(passkey);
            int? passkeyLength = parsed.GetValue(passkeyTokens), counted = parsed.GetValue(kvLength);
            string? textFile = parsed.GetValue(file), page = parsed.GetValue(report);
            string? text = textFile is null ? null : TextInput.ReadFile(textFile);
            if (textFile is null && parsed.GetValue(starts) is not null)
                throw new InvalidInputException("--starts are places in a text; give it with --file");
            if (page is not null) OutputPath.Check(page);
            int context = ContextOf(common.ModelPath(parsed, terminal), out bool learnedPositions);
            int longest = Math.Max(depths.Max() + Math.Max(prompted, generated), counted ?? 0);
            if (learnedPositions && longest > context)
                throw new InvalidInputException($"this model has learned positions for {context} tokens, but the speed tests need "
                    + $"{longest}; give a smaller --depth, --prompt, --gen or --kv-length");
            // Speed and bytes do not depend on what the model was trained for.
            using Model model = common.LoadTextModel(parsed, terminal, Math.Max(context, longest));
            ulong seed = common.Seed(parsed) ?? 1;
            var protocol = new ComparisonProtocol
            {
                Text = textFile is null ? $"written by the model itself (seed {seed})" : Path.GetFileName(textFile),
                Windows = text is null
                    ? windowing.Windows(model, context, seed, terminal.Interrupted)
                    : windowing.Windows(model.Tokenizer.Encode(text, parseSpecial: false), context, textFile!),
                Prefill = windowing.Prefill,
                Passkey = prompts == 0 ? [] : Passkeys(model, context, prompts, passkeyLength, seed),
                KvLength = counted ?? Math.Min(context, DefaultKvLength),
                Depths = depths,
                Prompt = prompted,
                Generate = generated,
                Repeat = parsed.GetValue(repeat),
                ShowsKept = page is not null,
            };
            IReadOnlyList<NamedPolicy> distinct = [.. CommonOptions.Policies(texts, model, terminal).DistinctBy(policy => policy.Policy)];
            IReadOnlyList<ComparisonRow> rows = Comparison.Run(model, distinct, protocol, terminal);
            if (common.Json(parsed)) terminal.WriteJson(ComparisonTable.Json(model, protocol, rows));
            else ComparisonTable.Print(terminal, protocol, rows);
            if (page is null) return;
            var machine = MachineInfo.Describe(model, common.ModelOptions(parsed));
            WriteReport(page, new ComparisonReport(machine, protocol, rows, TypedCommand.Line(terminal.Arguments)), terminal);
        });
    }

    /// <summary>Tokens that the model was made for, looked up before it is loaded for longer caches.</summary>
    private static int ContextOf(string path, out bool learnedPositions)
    {
        using ModelFile file = ModelFiles.Open(path);
        learnedPositions = file.Tensors.ContainsKey("position_embd.weight");
        return file.Get($"{file.Get("general.architecture", "")}.context_length", 2048);
    }

    private static IReadOnlyList<RetrievalPrompt> Passkeys(Model model, int context, int count, int? tokens, ulong seed)
    {
        int room = context - PasskeyPrompts.LengthWithoutContext(model.Tokenizer);
        if (tokens > room)
            throw new InvalidInputException($"--passkey-tokens {tokens}: with question and answer more than the model's context of "
                + $"{context} tokens; give at most {room}");
        IReadOnlyList<RetrievalPrompt> prompts =
            PasskeyPrompts.Make(model.Tokenizer, count, tokens ?? Math.Min(DefaultPasskeyTokens, room), seed);
        int longest = prompts.Max(prompt => prompt.Length);
        return longest <= context
            ? prompts
            : throw new InvalidInputException($"pass-key prompts need {longest} tokens, but the model's context holds {context}; leave "
                + "them out with --passkey 0");
    }

    private static void WriteReport(string path, ComparisonReport report, Terminal terminal)
    {
        try
        {
            File.WriteAllText(path, report.Html());
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new WorkFailedException($"{path}: cannot be written ({problem.Message})", problem);
        }

        terminal.Note($"wrote {path}");
    }
}
