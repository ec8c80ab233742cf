using System.Text.Json;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Kvasir.Cli.Tests;

/// <summary><c>kvasir mcp</c> as another program starts it: a process that is spoken to through its standard streams.</summary>
public sealed class McpTests : IDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "Kvasir.Cli.dll");
    private readonly TemporaryFolder _folder = new();

    private string Collections => _folder.Sub("collections");

    /// <summary>A machine without models: the built-in one is taken.</summary>
    private Dictionary<string, string?> Environment => new()
    {
        ["KVASIR_MODELS"] = _folder.Sub("models"),
        ["KVASIR_MODEL"] = null,
        ["XDG_DATA_HOME"] = _folder.Sub("data"),
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Client_lists_the_tools_and_searches_a_store_that_was_made_before()
    {
        string notes = _folder.File("notes.md", "The ferry to Skell leaves from pier A at 9 am.");
        await IngestAsync(notes);
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var transport = new StdioClientTransport(new StdioClientTransportOptions
        {
            Name = "kvasir",
            Command = "dotnet",
            Arguments = [Program, "mcp", "--store", Collections],
            EnvironmentVariables = Environment,
        });
        await using McpClient client = await McpClient.CreateAsync(transport, cancellationToken: stop.Token);
        IList<McpClientTool> tools = await client.ListToolsAsync(cancellationToken: stop.Token);
        Assert.Equal(["ask_documents", "ingest", "list_documents", "search_documents"], tools.Select(tool => tool.Name).Order());
        CallToolResult found = await client.CallToolAsync(
            "search_documents", new Dictionary<string, object?> { ["collection"] = "town", ["query"] = "Where does the ferry leave?" },
            cancellationToken: stop.Token);
        Assert.NotEqual(true, found.IsError);
        string text = Assert.IsType<TextContentBlock>(Assert.Single(found.Content)).Text;
        JsonElement passage = Assert.Single(JsonDocument.Parse(text).RootElement.GetProperty("passages").EnumerateArray());
        Assert.Contains("pier A", passage.GetProperty("text").GetString(), StringComparison.Ordinal);
        CallToolResult refused = await client.CallToolAsync(
            "search_documents", new Dictionary<string, object?> { ["collection"] = "nowhere", ["query"] = "?" },
            cancellationToken: stop.Token);
        Assert.True(refused.IsError);
    }

    private async Task IngestAsync(string file)
    {
        var start = new ProcessStartInfo("dotnet", [Program, "ingest", file, "--store", Path.Combine(Collections, "town")])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        foreach ((string name, string? value) in Environment) start.Environment[name] = value;
        using Process program = Process.Start(start)!;
        Task<string> output = program.StandardOutput.ReadToEndAsync(), error = program.StandardError.ReadToEndAsync();
        await program.WaitForExitAsync();
        Assert.True(program.ExitCode == ExitCode.Done, await error);
        Assert.Contains("1 document", await output, StringComparison.Ordinal);
    }
}
