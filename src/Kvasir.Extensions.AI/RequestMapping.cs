using System.Text.Json;
using Kvasir.Generation;
using Kvasir.Generation.Chat;
using Microsoft.Extensions.AI;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;
using TemplateMessage = Kvasir.Tokenization.ChatMessage;

namespace Kvasir.Extensions.AI;

/// <summary>.NET's messages and options in the engine's terms. What the engine cannot do is refused by name.</summary>
internal sealed class RequestMapping(EngineLoop engine)
{
    public ChatRequest Request(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        options ??= new ChatOptions();
        if (options.ConversationId is not null) throw Unsupported("conversations that are kept on the server (ConversationId)");
        if (options.Reasoning is not null) throw Unsupported("settings of reasoning");
        if (options.ContinuationToken is not null) throw Unsupported("replies in the background (ContinuationToken)");
        IEnumerable<TemplateMessage> turns = messages.SelectMany(Messages);
        if (!string.IsNullOrEmpty(options.Instructions)) turns = turns.Prepend(new TemplateMessage("system", options.Instructions));
        return new ChatRequest
        {
            Messages = [.. turns],
            Options = Generation(options),
            Tools = options.ToolMode is NoneChatToolMode ? [] : [.. (options.Tools ?? []).Select(Tool)],
            Choice = options.ToolMode is RequiredChatToolMode required ? new ToolChoice(true, required.RequiredFunctionName)
                : ToolChoice.Auto,
            Schema = options.ResponseFormat is ChatResponseFormatJson json ? json.Schema ?? AnyObject : null,
        };
    }

    public static FunctionCallContent Content(ToolCall call) => FunctionCallContent.CreateFromParsedArguments(
        call.Arguments, call.Id, call.Name,
        arguments => (IDictionary<string, object?>?)JsonSerializer.Deserialize<Dictionary<string, object?>>(arguments));

    private static JsonElement AnyObject { get; } = JsonSerializer.SerializeToElement(new { type = "object" });

    /// <summary>Greedy where no temperature is given.</summary>
    private GenerationOptions Generation(ChatOptions options) => new()
    {
        MaxTokens = options.MaxOutputTokens ?? engine.Options.UsualMaxTokens,
        Stop = [.. options.StopSequences ?? []],
        Sampler = new SamplerOptions
        {
            Temperature = options.Temperature ?? 0,
            TopP = options.TopP ?? 1,
            TopK = options.TopK ?? 0,
            FrequencyPenalty = options.FrequencyPenalty ?? 0,
            PresencePenalty = options.PresencePenalty ?? 0,
            Seed = (ulong?)options.Seed,
        },
    };

    private static ToolDefinition Tool(AITool tool) => tool is AIFunctionDeclaration function
        ? new ToolDefinition(function.Name, function.Description, function.JsonSchema)
        : throw Unsupported($"tools of the kind {tool.GetType().Name}; functions are supported");

    /// <summary>A message of its own for each result of a tool, as chat templates have it.</summary>
    private static IEnumerable<TemplateMessage> Messages(ChatMessage message)
    {
        var text = new StringBuilder();
        var calls = new List<object>();
        foreach (AIContent content in message.Contents)
            switch (content)
            {
                case TextContent part:
                    text.Append(part.Text);
                    break;
                case FunctionCallContent call:
                    calls.Add(Json(call));
                    break;
                case FunctionResultContent result:
                    yield return new TemplateMessage("tool", Text(result))
                    {
                        Fields = new Dictionary<string, object?> { ["tool_call_id"] = result.CallId },
                    };
                    break;
                case TextReasoningContent or UsageContent:
                    break;
                default:
                    throw Unsupported($"{content.GetType().Name} in a message");
            }

        if (text.Length == 0 && calls.Count == 0 && message.Role == ChatRole.Tool) yield break;
        yield return new TemplateMessage(message.Role.Value, text.ToString())
        {
            Fields = calls.Count == 0 ? null : new Dictionary<string, object?> { ["tool_calls"] = calls },
        };
    }

    private static Dictionary<string, object?> Json(FunctionCallContent call) => new()
    {
        ["id"] = call.CallId,
        ["type"] = "function",
        ["function"] = new Dictionary<string, object?>
        {
            ["name"] = call.Name,
            ["arguments"] = JsonSerializer.SerializeToElement(
                call.Arguments ?? new Dictionary<string, object?>(), AIJsonUtilities.DefaultOptions),
        },
    };

    private static string Text(FunctionResultContent result) => result.Result switch
    {
        null => result.Exception?.Message ?? "",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } json => json.GetString()!,
        object value => JsonSerializer.Serialize(value, AIJsonUtilities.DefaultOptions),
    };

    private static InvalidInputException Unsupported(string what) => new($"Kvasir does not support {what}");
}
