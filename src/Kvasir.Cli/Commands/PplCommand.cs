using System.CommandLine;
using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Cli.Commands;

/// <summary><c>ppl</c>: the perplexity of a text.</summary>
internal static class PplCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("ppl", "Perplexity of a text: whole windows, or decoding through the cache that a policy keeps.", "kvasir ppl --file wiki.txt --window 512 --windows 20\nkvasir ppl --file wiki.txt --prefill 512 --score 128 --windows 8 --kv k=f16,v=f16 --json");
        var file = new Option<string>("--file", "-f") { Description = "The text", HelpName = "FILE", Required = true };
        var window = new Option<int?>("--window") { Description = "Tokens of a window; all positions after the first are scored (default 512)", HelpName = "W" }.InRange(2, PplProtocol.MaxTokens);
        var prefill = new Option<int?>("--prefill") { Description = "Instead of --window: tokens computed before scoring", HelpName = "P" }.InRange(1, PplProtocol.MaxTokens);
        var score = new Option<int?>("--score") { Description = "With --prefill: tokens fed and scored one after another (default 128)", HelpName = "S" }.InRange(1, PplProtocol.MaxTokens);
        var windows = new Option<int?>("--windows") { Description = "How many windows (default: all with --window, 8 with --prefill)", HelpName = "N" }.InRange(1, PplProtocol.MaxTokens);
        var starts = new Option<string?>("--starts") { Description = "Where windows start, in tokens", HelpName = "A,B,C" };
        foreach (Option option in new Option[] { file, window, prefill, score, windows, starts }) command.Options.Add(option);
        CommonOptions common = CommonOptions.ForSequences(command);
        command.SetAction(parsed =>
        {
            var protocol = new PplProtocol(parsed.GetValue(window), parsed.GetValue(prefill), parsed.GetValue(score), parsed.GetValue(windows), parsed.GetValue(starts));
            string text = TextInput.ReadFile(parsed.GetValue(file)!);
            KvPolicy policy = common.Policy(parsed);
            using Model model = common.LoadTextModel(parsed, terminal);
            policy = CommonOptions.Prepare(policy, model, terminal);
            int[] ids = model.Tokenizer.Encode(text, parseSpecial: false);
            IReadOnlyList<int[]> parts = protocol.Windows(ids, model.Config.ContextLength, parsed.GetValue(file)!);
            Perplexity result = protocol.Decodes
                ? DecodingQuality.Measure(model, [policy], parts, protocol.Prefill, terminal)[0].Perplexity
                : Perplexity.OfWindows(model, policy, parts, terminal);
            Print(terminal, common.Json(parsed), result);
            return ExitCode.Done;
        });
        return command;
    }

    private static void Print(Terminal terminal, bool json, Perplexity result)
    {
        if (json) terminal.WriteJson(new { Ppl = Units.Rounded(result.Ppl, 6), Nll = Units.Rounded(result.Nll, 8), result.Tokens, result.KvBytes, result.KvBytesF16, TokensPerSecond = Units.Rounded(result.TokensPerSecond) });
        else terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"perplexity {result.Ppl:0.0000} (nll {result.Nll:0.00000}) over {Units.Count(result.Tokens, "token")}, {result.TokensPerSecond:0.0} tokens/s, KV {Units.Bytes(result.KvBytes)} ({Units.Bytes(result.KvBytesF16)} in f16)"));
    }
}
