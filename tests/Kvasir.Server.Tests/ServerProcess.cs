using System.Net.Http.Json;

namespace Kvasir.Server.Tests;

/// <summary><c>kvasir serve</c> as a process of its own, so that its memory is its own and it can be killed.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly Uri Completions = new("/v1/completions", UriKind.Relative), Status = new("/status", UriKind.Relative);

    private readonly Process _process;
    private readonly Task<string> _errors;

    private ServerProcess(Process process, Task<string> errors, Uri address) =>
        (_process, _errors, Http) = (process, errors, new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(10) });

    public HttpClient Http { get; }

    public long MemoryBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Starts it on a free port and waits until it serves.</summary>
    /// <param name="arguments">What stands behind <c>serve</c>.</param>
    public static async Task<ServerProcess> StartAsync(params string[] arguments)
    {
        var built = new DirectoryInfo(AppContext.BaseDirectory);
        string program = Path.Combine(SharedData.ProjectRoot(), "src/Kvasir.Cli/bin", built.Parent!.Name, built.Name, "Kvasir.Cli.dll");
        Process process = Process.Start(
            new ProcessStartInfo("dotnet", [program, "serve", "--port", "0", "--json", "--embedder", "none", .. arguments])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string? line = await process.StandardOutput.ReadLineAsync();
        return line is null ? throw new InvalidOperationException(await errors)
            : new ServerProcess(process, errors, new Uri(JsonDocument.Parse(line).RootElement.GetProperty("address").GetString()!));
    }

    /// <summary>What the engine does and holds.</summary>
    public async Task<JsonElement> StatusAsync() => (await Http.GetFromJsonAsync<JsonElement>(Status)).GetProperty("engine");

    /// <summary>A greedy continuation.</summary>
    public Task<HttpResponseMessage> CompleteAsync(string prompt, int tokens, bool stream = false) =>
        Http.PostAsJsonAsync(Completions, new { model = "kvasir", prompt, max_tokens = tokens, temperature = 0, stream });

    /// <summary>Asks it to end; what it has written since its address, and on standard error.</summary>
    public async Task<(string Output, string Errors)> EndAsync()
    {
        using Process kill = Process.Start("kill", [$"{_process.Id}"]);
        string output = await _process.StandardOutput.ReadToEndAsync();
        await _process.WaitForExitAsync();
        return (output, await _errors);
    }

    /// <summary>Ends it without a warning, as <c>kill -9</c> does.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) await KillAsync();
        _process.Dispose();
        Http.Dispose();
    }
}
