using System.Net;
using OllamaSharp;
using OllamaSharp.Models;
using OllamaSharp.Models.Chat;

namespace Kvasir.Server.Tests;

/// <summary>What OllamaSharp sends is understood, and what it gets it understands.</summary>
public sealed class OllamaClientTests(ServerFixture fixture) : IClassFixture<ServerFixture>, IDisposable
{
    private readonly OllamaApiClient _client = new(fixture.Server.Address, "tiny:latest");

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task Chat_streams_lines_until_done()
    {
        var request = new ChatRequest
        {
            Model = "tiny:latest",
            Messages = [new Message(ChatRole.System, "Be brief."), new Message(ChatRole.User, "Hello")],
            Options = new RequestOptions { NumPredict = 6, Temperature = 0, RepeatPenalty = 1 },
        };
        var text = new StringBuilder();
        ChatDoneResponseStream? done = null;
        await foreach (ChatResponseStream? piece in _client.ChatAsync(request))
        {
            text.Append(piece!.Message.Content);
            done = piece as ChatDoneResponseStream ?? done;
        }

        (HttpStatusCode _, JsonElement whole) = await fixture.PostAsync("/v1/chat/completions",
            """
                {"model":"tiny","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello"}],"max_tokens":6,"temperature":0}
                """);
        Assert.Equal(whole.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString(), text.ToString());
        Assert.Equal((6, "length"), (done!.EvalCount, done.DoneReason));
        Assert.InRange(done.PromptEvalCount, 20, 100);
    }

    [Fact]
    public async Task Generate_keeps_to_a_schema()
    {
        var text = new StringBuilder();
        await foreach (GenerateResponseStream? piece in _client.GenerateAsync(new GenerateRequest
        {
            Prompt = "?",
            Format = JsonSerializer
                .SerializeToElement(new { type = "array", items = new { type = "boolean" }, minItems = 2, maxItems = 2 }),
            Options = new RequestOptions { NumPredict = 100, Seed = 4 },
        })) text.Append(piece!.Response);
        Assert.Equal(2, JsonDocument.Parse(text.ToString()).RootElement.GetArrayLength());
    }

    [Fact]
    public async Task Models_are_listed_and_shown()
    {
        OllamaSharp.Models.Model[] models = [.. await _client.ListLocalModelsAsync()];
        Assert.Equal("tiny", Assert.Single(models).Name);
        Assert.Equal("tiny", Assert.Single(await _client.ListRunningModelsAsync()).Name);
        ShowModelResponse shown = await _client.ShowModelAsync("tiny");
        Assert.Contains("tools", shown.Capabilities!);
        Assert.Equal("llama", shown.Details.Family);
        Assert.Equal(new Version(0, 1, 0), new Version((await _client.GetVersionAsync())!));
    }

    [Fact]
    public async Task Pull_is_refused_with_what_to_do_instead()
    {
        (HttpStatusCode status, JsonElement body) = await fixture.PostAsync("/api/pull", """{"model":"x"}""");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("kvasir models pull", body.GetProperty("error").GetString(), StringComparison.Ordinal);
    }
}
