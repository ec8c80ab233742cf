namespace Kvasir.Server.Tests;

/// <summary>
/// What OpenAI's own JavaScript client sends is understood, and what it gets it understands: <c>npm/openai.mjs</c>, where Node and the
/// package are (<c>npm install --prefix tests/Kvasir.Server.Tests/npm</c>).
/// </summary>
public sealed class NpmClientTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [SkippableFact]
    public async Task Client_of_npm_is_content()
    {
        string folder = Path.Combine(SharedData.ProjectRoot(), "tests/Kvasir.Server.Tests/npm");
        Skip.IfNot(Directory.Exists(Path.Combine(folder, "node_modules/openai")), $"npm install --prefix {folder} was not run");
        using Process? node = StartNode(folder);
        Skip.If(node is null, "there is no node");
        Task<string> errors = node.StandardError.ReadToEndAsync();
        string output = await node.StandardOutput.ReadToEndAsync();
        await node.WaitForExitAsync();
        Assert.True(node.ExitCode == 0, output + await errors);
        Assert.Equal("12 ran", output.Trim());
    }

    private Process? StartNode(string folder)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("node", [Path.Combine(folder, "openai.mjs"), fixture.Server.Address.ToString()])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
