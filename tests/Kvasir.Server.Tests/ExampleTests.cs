using System.Net;
using System.Net.Http.Json;

namespace Kvasir.Server.Tests;

/// <summary>The programs under <c>examples/</c> run as their README says, on the samples and the built-in model.</summary>
public sealed class ExampleTests : IDisposable
{
    private const string Question = "Who is the mayor of Marrowby?";

    private static readonly string s_samples = Path.Combine(SharedData.ProjectRoot(), "samples");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("Console")]
    [InlineData("Agent")]
    public async Task Question_is_answered_with_its_source(string example)
    {
        using Process program = Start(example, s_samples, Question);
        string output = await program.StandardOutput.ReadToEndAsync(), errors = await program.StandardError.ReadToEndAsync();
        await program.WaitForExitAsync();
        Assert.True(program.ExitCode == 0, errors);
        string[] lines = output.TrimEnd().Split('\n');
        Assert.NotEmpty(lines[0].Trim());
        Assert.Contains(Path.Combine(s_samples, "town.txt"), lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_question_the_console_says_what_to_give()
    {
        using Process program = Start("Console");
        string errors = await program.StandardError.ReadToEndAsync();
        await program.WaitForExitAsync();
        Assert.Equal(2, program.ExitCode);
        Assert.Contains("a question", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endpoint_answers_with_its_sources_and_refuses_an_empty_question()
    {
        using Process program = Start("MinimalApi", "--Documents", s_samples, "--urls", "http://127.0.0.1:0");
        try
        {
            using var http = new HttpClient { BaseAddress = await AddressAsync(program) };
            using HttpResponseMessage response = await http.PostAsJsonAsync(new Uri("ask", UriKind.Relative), new { Text = Question });
            JsonElement reply = await response.Content.ReadFromJsonAsync<JsonElement>();
            Assert.NotEmpty(reply.GetProperty("text").GetString()!.Trim());
            JsonElement source = reply.GetProperty("sources")[0];
            Assert.Equal("town.txt", source.GetProperty("file").GetString());
            Assert.Contains("Agnes Tolliver", source.GetProperty("text").GetString(), StringComparison.Ordinal);
            using HttpResponseMessage refused = await http.PostAsJsonAsync(new Uri("ask", UriKind.Relative), new { Text = " " });
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }
        finally
        {
            program.Kill(entireProcessTree: true);
            await program.WaitForExitAsync();
        }
    }

    /// <summary>Aspire's packages are some hundred megabytes: the example is no part of the solution.</summary>
    [SkippableFact]
    public async Task Application_model_has_the_endpoint_as_a_resource()
    {
        Skip.IfNot(File.Exists(Program("Aspire")), "dotnet build examples/Aspire -c Release was not run");
        string manifest = _folder.Sub("manifest.json");
        using Process program = Start("Aspire", "--publisher", "manifest", "--output-path", manifest);
        string output = await program.StandardOutput.ReadToEndAsync();
        await program.WaitForExitAsync();
        Assert.True(program.ExitCode == 0, output);
        JsonElement resource = JsonDocument.Parse(await File.ReadAllTextAsync(manifest)).RootElement
            .GetProperty("resources").GetProperty("documents");
        Assert.EndsWith("MinimalApi.csproj", resource.GetProperty("path").GetString(), StringComparison.Ordinal);
        Assert.True(resource.GetProperty("bindings").GetProperty("http").GetProperty("external").GetBoolean());
    }

    /// <summary>Where a web application says it listens.</summary>
    private static async Task<Uri> AddressAsync(Process program)
    {
        const string Listening = "Now listening on: ";
        var output = new StringBuilder();
        while (await program.StandardOutput.ReadLineAsync() is { } line)
        {
            output.AppendLine(line);
            if (line.Split(Listening) is [_, var address]) return new Uri(address.Trim());
        }

        throw new InvalidOperationException(output + await program.StandardError.ReadToEndAsync());
    }

    /// <summary>Starts what was built beside this test, in a folder of its own.</summary>
    private Process Start(string example, params string[] arguments) => Process.Start(
        new ProcessStartInfo("dotnet", [Program(example), .. arguments])
        {
            WorkingDirectory = _folder.Path,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

    private static string Program(string example)
    {
        var built = new DirectoryInfo(AppContext.BaseDirectory);
        return Path.Combine(SharedData.ProjectRoot(), "examples", example, "bin", built.Parent!.Name, built.Name,
            $"Kvasir.Examples.{example}.dll");
    }
}
