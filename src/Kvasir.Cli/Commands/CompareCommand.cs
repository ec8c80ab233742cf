using System.CommandLine;
using Kvasir.Cache;
using Kvasir.Formats;
using Kvasir.Models;

namespace Kvasir.Cli.Commands;

/// <summary><c>compare</c>: quality, memory and speed of several policies on one model.</summary>
internal static class CompareCommand
{
    private const string Baseline = "k=f16,v=f16";
    private const int MaxTokens = 1 << 20, DefaultKvLength = 4096, DefaultPasskeyTokens = 1000;
    private const string Examples =
        """
        kvasir compare --policies k=kivi4,v=kivi4 k=kivi2,v=kivi2
        kvasir compare --policies k=kivi4,v=kivi4 k=kivi4,v=kivi2 --file wiki.txt --depth 0,2048,8192 --report compare.html
        kvasir compare --policies k=kivi4,v=kivi4 --windows 4 --passkey 0 --depth 0 --json
        """;

    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("compare", "Quality, memory and speed of cache policies side by side, with float16 as the baseline.", Examples.ReplaceLineEndings("\n"));
        var policies = new Option<string[]>("--policies") { Description = "The policies; float16 is always measured too", HelpName = "P1 P2", AllowMultipleArgumentsPerToken = true, Required = true };
        var file = new Option<string?>("--file", "-f") { Description = "The text to score (default: texts that the model writes itself)", HelpName = "FILE" };
        var prefill = new Option<int>("--prefill") { Description = "Tokens of a window computed at once, before scoring", HelpName = "P", DefaultValueFactory = _ => 512 }.InRange(1, PplProtocol.MaxTokens);
        var score = new Option<int>("--score") { Description = "Tokens of a window fed and scored one after another", HelpName = "S", DefaultValueFactory = _ => 128 }.InRange(1, PplProtocol.MaxTokens);
        var windows = new Option<int?>("--windows") { Description = "How many windows (default 8)", HelpName = "N" }.InRange(1, PplProtocol.MaxTokens);
        var starts = new Option<string?>("--starts") { Description = "Where windows start in the file, in tokens (default: evenly)", HelpName = "A,B" };
        var passkey = new Option<int>("--passkey") { Description = "Pass-key prompts made up for this model; 0 leaves them out", HelpName = "N", DefaultValueFactory = _ => 20 }.InRange(0, 10_000);
        var passkeyTokens = new Option<int?>("--passkey-tokens") { Description = "Tokens of each pass-key text (default 1000, less where the context is shorter)", HelpName = "N" }.InRange(1, MaxTokens);
        var kvLength = new Option<int?>("--kv-length") { Description = "Tokens in the cache whose bytes are counted (default 4096, less where the context is shorter)", HelpName = "N" }.InRange(1, MaxTokens);
        var depth = new Option<string>("--depth") { Description = "Tokens in the cache before a speed test", HelpName = "A,B", DefaultValueFactory = _ => "0,2048" };
        var prompt = new Option<int>("--prompt") { Description = "Tokens of the prefill test; 0 leaves it out", HelpName = "N", DefaultValueFactory = _ => 512 }.InRange(0, MaxTokens);
        var generate = new Option<int>("--gen") { Description = "Tokens of the decode test; 0 leaves it out", HelpName = "N", DefaultValueFactory = _ => 32 }.InRange(0, MaxTokens);
        var repeat = new Option<int>("--repeat") { Description = "Runs of each speed test, policies in turn; the median counts", HelpName = "N", DefaultValueFactory = _ => 3 }.InRange(1, 1000);
        var report = new Option<string?>("--report") { Description = "Also write a page with table and plots", HelpName = "FILE.html" };
        foreach (Option option in new Option[] { policies, file, prefill, score, windows, starts, passkey, passkeyTokens, kvLength, depth, prompt, generate, repeat, report }) command.Options.Add(option);
        CommonOptions common = CommonOptions.ForModel(command);
        command.SetAction(parsed =>
        {
            string[] texts = [Baseline, .. parsed.GetValue(policies)!];
            foreach (string kv in texts) KvPolicy.Parse(kv);
            var windowing = new PplProtocol(null, parsed.GetValue(prefill), parsed.GetValue(score), parsed.GetValue(windows), parsed.GetValue(starts));
            int[] depths = IdList.Parse(parsed.GetValue(depth)!, "--depth");
            if (depths.Max() > MaxTokens) throw new InvalidInputException($"--depth {depths.Max()}: give 0 to {MaxTokens}");
            int prompted = parsed.GetValue(prompt), generated = parsed.GetValue(generate), prompts = parsed.GetValue(passkey);
            int? passkeyLength = parsed.GetValue(passkeyTokens), counted = parsed.GetValue(kvLength);
            string? textFile = parsed.GetValue(file), page = parsed.GetValue(report), text = textFile is null ? null : TextInput.ReadFile(textFile);
            if (textFile is null && parsed.GetValue(starts) is not null) throw new InvalidInputException("--starts are places in a text; give it with --file");
            if (page is not null) OutputPath.Check(page);

            int context = ContextOf(common.ModelPath(parsed, terminal), out bool learnedPositions);
            int longest = Math.Max(depths.Max() + Math.Max(prompted, generated), counted ?? 0);
            if (learnedPositions && longest > context) throw new InvalidInputException($"this model has learned positions for {context} tokens, but the speed tests need {longest}; give a smaller --depth, --prompt, --gen or --kv-length");
            using Model model = common.LoadTextModel(parsed, terminal, Math.Max(context, longest)); // speed and bytes do not depend on what the model was trained for
            ulong seed = common.Seed(parsed) ?? 1;
            var protocol = new ComparisonProtocol
            {
                Text = textFile is null ? $"written by the model itself (seed {seed})" : Path.GetFileName(textFile),
                Windows = text is null ? windowing.Windows(model, context, seed, terminal.Interrupted) : windowing.Windows(model.Tokenizer.Encode(text, parseSpecial: false), context, textFile!),
                Prefill = windowing.Prefill,
                Passkey = prompts == 0 ? [] : Passkeys(model, context, prompts, passkeyLength, seed),
                KvLength = counted ?? Math.Min(context, DefaultKvLength),
                Depths = depths,
                Prompt = prompted,
                Generate = generated,
                Repeat = parsed.GetValue(repeat),
            };
            IReadOnlyList<NamedPolicy> distinct = [.. CommonOptions.Policies(texts, model, terminal).DistinctBy(policy => policy.Policy)];
            IReadOnlyList<ComparisonRow> rows = Comparison.Run(model, distinct, protocol, terminal);
            if (common.Json(parsed)) terminal.WriteJson(ComparisonTable.Json(model, protocol, rows));
            else ComparisonTable.Print(terminal, protocol, rows);
            if (page is not null) WriteReport(page, new ComparisonReport(MachineInfo.Describe(model, common.ModelOptions(parsed)), protocol, rows, CommandLine.Typed(terminal.Arguments)), terminal);
            return CommandLine.Done;
        });
        return command;
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
        if (tokens > room) throw new InvalidInputException($"--passkey-tokens {tokens}: with question and answer more than the model's context of {context} tokens; give at most {room}");
        IReadOnlyList<RetrievalPrompt> prompts = PasskeyPrompts.Make(model.Tokenizer, count, tokens ?? Math.Min(DefaultPasskeyTokens, room), seed);
        int longest = prompts.Max(prompt => prompt.Length);
        return longest <= context ? prompts : throw new InvalidInputException($"pass-key prompts need {longest} tokens, but the model's context holds {context}; leave them out with --passkey 0");
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
