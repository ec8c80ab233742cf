using System.ComponentModel;
using Kvasir.Extensions.AI;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Kvasir.Server.Tests;

/// <summary>.NET's AI interfaces, in the process and through OpenAI's adapter; agents with tools on both.</summary>
public sealed class AgentTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Theory]
    [InlineData("in process")]
    [InlineData("OpenAI's adapter")]
    public async Task Agent_calls_a_tool_and_answers_with_its_result(string door)
    {
        int called = 0;
        [Description("Adds two numbers")]
        long Add([Description("The first")] long a, [Description("The second")] long b)
        {
            called++;
            return a + b;
        }

        using IChatClient client = Client(door);
        var agent = new ChatClientAgent(client, new ChatClientAgentOptions
        {
            Name = "adder",
            ChatOptions = new ChatOptions
            {
                Tools = [AIFunctionFactory.Create(Add, "add")],
                ToolMode = ChatToolMode.RequireSpecific("add"),
                MaxOutputTokens = 200,
                Seed = 3,
                Temperature = 1,
            },
        });
        AgentResponse response = await agent.RunAsync("What is 1 + 1?");
        Assert.Equal(1, called);
        Assert.Contains(response.Messages, message => message.Contents.OfType<FunctionResultContent>().Any());
        Assert.NotEmpty(response.Text);
    }

    [Theory]
    [InlineData("in process")]
    [InlineData("OpenAI's adapter")]
    public async Task Typed_answers_are_what_their_type_says(string door)
    {
        using IChatClient client = Client(door);
        ChatResponse<Verdict> response = await client.GetResponseAsync<Verdict>(
            "Judge.", new ChatOptions { MaxOutputTokens = 400, Seed = 8, Temperature = 1 });
        if (door == "in process") Assert.InRange(response.Result.Stars, 1, 5); // OpenAI's adapter leaves ranges out of schemas
        Assert.True(Enum.IsDefined(response.Result.Mood));
    }

    [Fact]
    public async Task Streaming_gives_the_same_text_and_cached_tokens()
    {
        using IChatClient client = Client("in process");
        string question = string.Concat(Enumerable.Repeat("over and over ", 20));
        ChatResponse whole = await client.GetResponseAsync(question, new ChatOptions { MaxOutputTokens = 12 });
        ChatResponse streamed = await client.GetStreamingResponseAsync(question, new ChatOptions { MaxOutputTokens = 12 })
            .ToChatResponseAsync();
        Assert.Equal(whole.Text, streamed.Text);
        Assert.Equal(ChatFinishReason.Length, whole.FinishReason);
        Assert.InRange(streamed.Usage!.CachedInputTokenCount!.Value, 200, streamed.Usage.InputTokenCount!.Value);
        Assert.Equal(12, streamed.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task What_cannot_be_done_is_refused_by_name()
    {
        using IChatClient client = Client("in process");
        Assert.Contains("ConversationId", (await Assert.ThrowsAsync<InvalidInputException>(() =>
            client.GetResponseAsync("x", new ChatOptions { ConversationId = "1" }))).Message, StringComparison.Ordinal);
        Assert.Contains("DataContent", (await Assert.ThrowsAsync<InvalidInputException>(() =>
            client.GetResponseAsync(new ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")])))).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_line_adds_a_client_to_services_with_traces()
    {
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == KvasirServices.TelemetryName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Add,
        };
        ActivitySource.AddActivityListener(listener);
        var services = new ServiceCollection();
        services.AddKvasir(options => options.ModelPath = fixture.ModelPath);
        await using (ServiceProvider provider = services.BuildServiceProvider())
        {
            ChatResponse response = await provider.GetRequiredService<IChatClient>()
                .GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 3 });
            Assert.Equal(3, response.Usage!.OutputTokenCount);
        }

        Activity span = spans.First(one => one.GetTagItem("gen_ai.usage.output_tokens") is 3);
        Assert.Equal("kvasir", span.GetTagItem("gen_ai.provider.name"));
    }

    private IChatClient Client(string door) => door == "in process" ? new KvasirChatClient(fixture.Server.Engine, "tiny")
        : fixture.OpenAI().GetChatClient("tiny").AsIChatClient();

    public enum Mood
    {
        Good,
        Bad,
    }

    public sealed record Verdict([property: System.ComponentModel.DataAnnotations.Range(1, 5)] int Stars, Mood Mood, bool IsFinal);
}
