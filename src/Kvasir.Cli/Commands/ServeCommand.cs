using Kvasir.Server;
using Kvasir.Server.Hosting;
using Kvasir.Vision;

namespace Kvasir.Cli.Commands;

/// <summary><c>serve</c>: a server that speaks OpenAI's and Ollama's languages.</summary>
internal static class ServeCommand
{
    /// <summary>What may run on when the first signal comes, and a little to close.</summary>
    private static readonly TimeSpan Closing = TimeSpan.FromSeconds(6);

    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "serve", "A server for programs and people: OpenAI's and Ollama's languages, documents with citations, MCP at /mcp, a page "
                + "at /.",
            "kvasir serve --kv-budget 1GB",
            "kvasir serve --port 8080 --api-key secret --store collections/ --kv k=kivi4,v=kivi4");
        var host = command.Option("--host", "ADDRESS", "Where to listen; others than this machine reach it only where you say so",
            "127.0.0.1");
        var port = command.Option("--port", "N", "The port (0: a free one)", 11435).InRange(0, 65535);
        var apiKey = command.Option<string?>("--api-key", "KEY", "What callers have to show (default: KVASIR_API_KEY, else nothing)");
        var parallel = command.Option("--parallel", "N", "Replies that are computed together, at most", 16).InRange(1, 512);
        var queue = command.Option("--queue", "N", "Replies that wait, at most; more are told when to come again", 64).InRange(0, 100_000);
        var maxTokens = command.Option("--max-tokens -n", "N", "Tokens of a reply where the caller does not say", 1024)
            .InRange(1, int.MaxValue);
        var budget = new KvBudgetOption(command);
        var allowed = command.Option<string[]>("--kv-allow", "POLICY", "Also kept so where a request asks for it (several: give it again)");
        var prompts = new PromptCacheOption(command);
        CommonOptions common = CommonOptions.ForSequences(command);
        var collections = new CollectionsOptions(command, common);
        Option<string?> images = ImageOptions.Encoder(command);
        return command.Does(parsed => collections.With(parsed, terminal, async (model, encoder, options) =>
        {
            using ImageEncoder? pictures = PictureInput.TryOpen(model, parsed.GetValue(images), common.ModelOptions(parsed));
            await ServeAsync(model, encoder, options with
            {
                Images = pictures,
                Host = parsed.GetValue(host)!,
                Port = parsed.GetValue(port),
                ApiKey = parsed.GetValue(apiKey)
                    ?? (Environment.GetEnvironmentVariable("KVASIR_API_KEY") is { Length: > 0 } set ? set : null),
                Engine = new EngineOptions
                {
                    Policy = CommonOptions.Prepare(common.Policy(parsed), model, terminal),
                    Policies = [.. (parsed.GetValue(allowed) ?? []).Select(one =>
                        CommonOptions.Prepare(KvPolicy.Parse(one), model, terminal))],
                    KvBudget = budget.Bytes(parsed) ?? long.MaxValue,
                    Parallel = parsed.GetValue(parallel),
                    QueueLimit = parsed.GetValue(queue),
                    UsualMaxTokens = parsed.GetValue(maxTokens),
                    Prompts = prompts.Open(parsed),
                },
            }, common.Json(parsed), terminal).ConfigureAwait(false);
        }));
    }

    private static async Task ServeAsync(Model model, Model? encoder, ServerOptions options, bool json, Terminal terminal)
    {
        terminal.Grace = options.ShutdownGrace + Closing;
        KvasirServer server;
        try
        {
            server = await KvasirServer.StartAsync(model, encoder, options).ConfigureAwait(false);
        }
        catch (IOException problem)
        {
            throw new InvalidInputException($"--host {options.Host} --port {options.Port}: {problem.Message}", problem);
        }

        await using (server.ConfigureAwait(false))
        {
            if (json) terminal.WriteJson(new { Address = server.Address.ToString(), Model = model.Path });
            else terminal.Out.WriteLine($"{server.Address} serves {Path.GetFileName(model.Path)}; Ctrl-C ends it");
            var ended = new TaskCompletionSource();
            using CancellationTokenRegistration end = terminal.Interrupted.Register(ended.SetResult);
            await ended.Task.ConfigureAwait(false);
            await server.StopAsync().ConfigureAwait(false);
        }
    }
}
