namespace Kvasir.Cli.Commands;

/// <summary><c>ppl</c>: the perplexity of a text.</summary>
internal static class PplCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("ppl", "Perplexity of a text: whole windows, or decoding through the cache that a policy keeps.",
            "kvasir ppl --file wiki.txt --window 512 --windows 20",
            "kvasir ppl --file wiki.txt --prefill 512 --score 128 --windows 8 --kv k=f16,v=f16 --json");
        var file = command.Required("--file -f", "FILE", "The text");
        var window = command.Option<int?>(
            "--window", "W",
            "Tokens of a window; all positions after the first are scored (default 512)").InRange(2, PplProtocol.MaxTokens);
        var prefill = command.Option<int?>(
            "--prefill", "P", "Instead of --window: tokens computed before scoring").InRange(1, PplProtocol.MaxTokens);
        var score = command.Option<int?>(
            "--score", "S", "With --prefill: tokens fed and scored one after another (default 128)").InRange(1, PplProtocol.MaxTokens);
        var windows = command.Option<int?>(
            "--windows", "N", "How many windows (default: all with --window, 8 with --prefill)").InRange(1, PplProtocol.MaxTokens);
        var starts = command.Option<string?>("--starts", "A,B,C", "Where windows start, in tokens");
        CommonOptions common = CommonOptions.ForSequences(command);
        var promptTokens = new PromptTokensOption(command);
        return command.Does(parsed =>
        {
            var protocol = new PplProtocol(
                parsed.GetValue(window), parsed.GetValue(prefill), parsed.GetValue(score), parsed.GetValue(windows),
                parsed.GetValue(starts));
            string text = TextInput.ReadFile(parsed.GetValue(file)!);
            KvPolicy policy = promptTokens.Apply(parsed, common.Policy(parsed));
            using Model model = common.LoadTextModel(parsed, terminal);
            policy = CommonOptions.Prepare(policy, model, terminal);
            int[] ids = model.Tokenizer.Encode(text, parseSpecial: false);
            IReadOnlyList<int[]> parts = protocol.Windows(ids, model.Config.ContextLength, parsed.GetValue(file)!);
            Perplexity result = protocol.Decodes
                ? DecodingQuality.Measure(model, [policy], parts, protocol.Prefill, terminal)[0].Perplexity
                : Perplexity.OfWindows(model, policy, parts, terminal);
            Print(terminal, common.Json(parsed), result);
        });
    }

    private static void Print(Terminal terminal, bool json, Perplexity result)
    {
        if (json)
            terminal.WriteJson(new
            {
                Ppl = Units.Rounded(result.Ppl, 6),
                Nll = Units.Rounded(result.Nll, 8),
                result.Tokens,
                result.KvBytes,
                result.KvBytesF16,
                TokensPerSecond = Units.Rounded(result.TokensPerSecond),
            });
        else
            terminal.Out.WriteLine($"perplexity {result.Ppl:0.0000} (nll {result.Nll:0.00000}) over {Units.Count(result.Tokens, "token")}, "
                + $"{result.TokensPerSecond:0.0} tokens/s, KV {Units.Bytes(result.KvBytes)} ({Units.Bytes(result.KvBytesF16)} in f16)");
    }
}
