using OpenAI.Chat;
using OpenAI.Models;
using OpenAI.Responses;

namespace Kvasir.Server.Tests;

/// <summary>What OpenAI's own .NET client sends is understood, and what it gets it understands.</summary>
public sealed class OpenAIClientTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly ChatTool Weather = ChatTool.CreateFunctionTool("weather", "The weather in a city", BinaryData.FromString(
        """
            {"type":"object","properties":{"city":{"type":"string","maxLength":10},"days":{"type":"integer","minimum":1,"maximum":9}},"required":["city","days"]}
            """));

    private ChatClient Chat => fixture.OpenAI().GetChatClient("kvasir");

    [Fact]
    public async Task Chat_answers_with_usage()
    {
        ChatCompletion reply = await Chat.CompleteChatAsync([new SystemChatMessage("Be brief."), new UserChatMessage("Hello")],
            new ChatCompletionOptions { MaxOutputTokenCount = 7, Temperature = 0, Seed = 3 });
        Assert.Equal(ChatFinishReason.Length, reply.FinishReason);
        Assert.Equal(7, reply.Usage.OutputTokenCount);
        Assert.Equal(reply.Usage.InputTokenCount + 7, reply.Usage.TotalTokenCount);
        Assert.Equal(await AloneAsync("<|user|>system:Be brief.<|end|><|user|>user:Hello<|end|><|assistant|>", 7), reply.Content[0].Text);
    }

    [Fact]
    public async Task Streamed_chat_is_the_same_text_with_usage_at_the_end()
    {
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 20, Temperature = 0 };
        ChatCompletion whole = await Chat.CompleteChatAsync([new UserChatMessage("Stream")], options);
        var text = new StringBuilder();
        ChatTokenUsage? usage = null;
        ChatFinishReason? finish = null;
        await foreach (StreamingChatCompletionUpdate update in Chat.CompleteChatStreamingAsync([new UserChatMessage("Stream")], options))
        {
            foreach (ChatMessageContentPart part in update.ContentUpdate) text.Append(part.Text);
            usage ??= update.Usage;
            finish ??= update.FinishReason;
        }

        Assert.Equal(whole.Content[0].Text, text.ToString());
        Assert.Equal((20, ChatFinishReason.Length), (usage!.OutputTokenCount, finish!.Value));
    }

    [Fact]
    public async Task Second_request_with_the_same_beginning_reports_cached_tokens()
    {
        string shared = string.Concat(Enumerable.Repeat("shared words ", 30));
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 1, Temperature = 0 };
        ChatCompletion first = await Chat.CompleteChatAsync([new UserChatMessage(shared + "one")], options);
        ChatCompletion second = await Chat.CompleteChatAsync([new UserChatMessage(shared + "two")], options);
        Assert.InRange(second.Usage.InputTokenDetails.CachedTokenCount, shared.Length - 64, second.Usage.InputTokenCount - 1);
        Assert.InRange(first.Usage.InputTokenDetails.CachedTokenCount, 0, 40);
    }

    [Fact]
    public async Task Stop_text_ends_the_reply_and_is_not_in_it()
    {
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 60, Temperature = 0 };
        string whole = (await Chat.CompleteChatAsync([new UserChatMessage("Stop")], options)).Value.Content[0].Text;
        string stop = whole[10..12];
        options.StopSequences.Add(stop);
        ChatCompletion cut = await Chat.CompleteChatAsync([new UserChatMessage("Stop")], options);
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], cut.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, cut.FinishReason);
    }

    [Fact]
    public async Task Same_seed_gives_the_same_text_and_choices_of_one_request_differ()
    {
        async Task<string[]> DrawAsync(int seed) => [.. (await fixture.PostAsync("/v1/chat/completions",
            $$"""
                {"model":"kvasir","messages":[{"role":"user","content":"x"}],"max_tokens":12,"seed":{{seed}},"n":3,"temperature":1.5}
                """)).Body
            .GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("message").GetProperty("content").GetString()!)];
        string[] first = await DrawAsync(5);
        Assert.Equal(first, await DrawAsync(5));
        Assert.Equal(3, first.Distinct().Count());
        Assert.NotEqual(first, await DrawAsync(77));
    }

    [Fact]
    public async Task Logprobs_are_those_of_the_tokens_and_add_up()
    {
        ChatCompletion reply = await Chat.CompleteChatAsync([new UserChatMessage("p")],
            new ChatCompletionOptions
            {
                MaxOutputTokenCount = 5,
                Temperature = 0,
                IncludeLogProbabilities = true,
                TopLogProbabilityCount = 3
            });
        Assert.Equal(5, reply.ContentTokenLogProbabilities.Count);
        Assert.All(reply.ContentTokenLogProbabilities, token =>
        {
            Assert.InRange(token.LogProbability, -10, 0);
            Assert.Equal(token.LogProbability, token.TopLogProbabilities[0].LogProbability);
            Assert.True(token.TopLogProbabilities[1].LogProbability <= token.LogProbability);
        });
    }

    [Fact]
    public async Task Json_mode_and_schemas_give_json_from_any_model()
    {
        var options = new ChatCompletionOptions
        {
            MaxOutputTokenCount = 2000,
            Seed = 1,
            ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("person", BinaryData.FromString(
                """
                    {"type":"object","properties":{"name":{"type":"string","maxLength":8},"tags":{"type":"array","items":{"enum":["a","b"]},"maxItems":3}},"required":["name","tags"],"additionalProperties":false}
                    """),
                jsonSchemaIsStrict: true),
        };
        ChatCompletion reply = await Chat.CompleteChatAsync([new UserChatMessage("Who?")], options);
        JsonElement person = JsonDocument.Parse(reply.Content[0].Text).RootElement;
        Assert.Equal(["name", "tags"], person.EnumerateObject().Select(member => member.Name));
        Assert.InRange(person.GetProperty("name").GetString()!.EnumerateRunes().Count(), 0, 8);
        Assert.All(person.GetProperty("tags").EnumerateArray(), tag => Assert.Contains(tag.GetString(), new[] { "a", "b" }));
    }

    [Fact]
    public async Task Required_tool_is_called_with_arguments_that_fit_and_its_result_is_taken()
    {
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 400, Seed = 2, ToolChoice = ChatToolChoice.CreateRequiredChoice() };
        options.Tools.Add(Weather);
        List<ChatMessage> messages = [new UserChatMessage("How is it in Oslo?")];
        ChatCompletion reply = await Chat.CompleteChatAsync(messages, options);
        Assert.Equal(ChatFinishReason.ToolCalls, reply.FinishReason);
        ChatToolCall call = Assert.Single(reply.ToolCalls);
        Assert.Equal("weather", call.FunctionName);
        Assert.InRange(JsonDocument.Parse(call.FunctionArguments).RootElement.GetProperty("days").GetInt32(), 1, 9);
        messages.Add(new AssistantChatMessage(reply));
        messages.Add(new ToolChatMessage(call.Id, "rain"));
        options.ToolChoice = ChatToolChoice.CreateNoneChoice();
        options.MaxOutputTokenCount = 4;
        Assert.Equal(4, (await Chat.CompleteChatAsync(messages, options)).Value.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task Streamed_tool_call_is_put_together()
    {
        var options = new ChatCompletionOptions
        {
            MaxOutputTokenCount = 400,
            Seed = 2,
            ToolChoice = ChatToolChoice.CreateFunctionChoice("weather")
        };
        options.Tools.Add(Weather);
        var arguments = new StringBuilder();
        string? name = null;
        await foreach (StreamingChatCompletionUpdate update in Chat.CompleteChatStreamingAsync([new UserChatMessage("?")], options))
            foreach (StreamingChatToolCallUpdate call in update.ToolCallUpdates)
            {
                name ??= call.FunctionName;
                arguments.Append(call.FunctionArgumentsUpdate);
            }

        Assert.Equal("weather", name);
        Assert.Equal(2, JsonDocument.Parse(arguments.ToString()).RootElement.EnumerateObject().Count());
    }

    [Fact]
    public async Task Models_are_listed()
    {
        OpenAIModelCollection models = await fixture.OpenAI().GetOpenAIModelClient().GetModelsAsync();
        Assert.Contains(models, model => model.Id == "tiny");
    }

    [Fact]
    public async Task Response_is_given_whole_and_as_events()
    {
        ResponsesClient client = fixture.OpenAI().GetResponsesClient();
        var options = new CreateResponseOptions { Model = "kvasir", MaxOutputTokenCount = 9, Temperature = 0, Instructions = "Be brief." };
        options.InputItems.Add(ResponseItem.CreateUserMessageItem("Hello"));
        ResponseResult whole = await client.CreateResponseAsync(options);
        Assert.Equal(await AloneAsync("<|user|>system:Be brief.<|end|><|user|>user:Hello<|end|><|assistant|>", 9), whole.GetOutputText());
        options.StreamingEnabled = true;
        var text = new StringBuilder();
        int? tokens = null;
        await foreach (StreamingResponseUpdate update in await client.CreateResponseStreamingAsync(options))
        {
            if (update is StreamingResponseOutputTextDeltaUpdate delta) text.Append(delta.Delta);
            if (update is StreamingResponseIncompleteUpdate end) tokens = end.Response.Usage.OutputTokenCount;
        }

        Assert.Equal(whole.GetOutputText(), text.ToString());
        Assert.Equal(9, tokens);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Usage_counts_each_of_several_prompts_once(int replies)
    {
        (_, JsonElement answer) = await fixture.PostAsync(
            "/v1/completions", $$"""{"model":"kvasir","prompt":[[1,2,3],[4,5]],"max_tokens":2,"n":{{replies}}}""");
        Assert.Equal(5, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    /// <summary>What the model says by itself, without a server.</summary>
    private async Task<string> AloneAsync(string prompt, int tokens)
    {
        await using var engine = new EngineLoop(fixture.Model, new EngineOptions { Policy = ServerFixture.Exact });
        int[] ids = fixture.Model.Tokenizer.Encode(prompt);
        return (await engine.Start(ids, new GenerationOptions { MaxTokens = tokens }).CompleteAsync()).Text;
    }
}
