using Kvasir.Generation;
using Kvasir.Generation.Chat;
using Kvasir.Models;
using Microsoft.Extensions.AI;

namespace Kvasir.Extensions.AI;

/// <summary>
/// A local model as .NET's chat client: streaming, stop sequences, seed, tools by the model's own chat template, replies that keep to a
/// JSON
/// schema, and usage with the tokens that came from the cache. Any number of callers at once; what they ask is decoded together.
/// </summary>
public sealed class KvasirChatClient : IChatClient
{
    private readonly EngineLoop _engine;
    private readonly Model? _owned;
    private readonly bool _ownsEngine;

    /// <summary>A client on an engine that others may use too; the engine is not disposed with the client.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="modelId">What the model is called in replies and telemetry.</param>
    public KvasirChatClient(EngineLoop engine, string modelId)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(modelId);
        (_engine, Metadata) = (engine, new ChatClientMetadata("kvasir", defaultModelId: modelId));
    }

    /// <summary>A client with a model and an engine of its own, disposed with it.</summary>
    /// <param name="modelPath">A GGUF file or a Hugging Face folder.</param>
    /// <param name="options">Limits of the engine.</param>
    /// <exception cref="InvalidInputException">Not a usable model; the message says why.</exception>
    public KvasirChatClient(string modelPath, EngineOptions? options = null) : this(Model.Load(modelPath), options) { }

    private KvasirChatClient(Model model, EngineOptions? options)
        : this(new EngineLoop(model, options), Path.GetFileNameWithoutExtension(model.Path)) => (_owned, _ownsEngine) = (model, true);

    /// <summary>Who answers.</summary>
    public ChatClientMetadata Metadata { get; }

    /// <inheritdoc/>
    /// <exception cref="InvalidInputException">The model cannot do what is asked; the message says why.</exception>
    /// <exception cref="QueueFullException">Too many generations wait already.</exception>
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages, ChatOptions? options = null,
            CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="InvalidInputException">The model cannot do what is asked; the message says why.</exception>
    /// <exception cref="QueueFullException">Too many generations wait already.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ChatStream stream = new RequestMapping(_engine).Request(messages, options).Start(_engine, cancellationToken)[0];
        string id = Guid.NewGuid().ToString("N");
        await foreach (ChatDelta delta in stream.WithCancellation(cancellationToken).ConfigureAwait(false))
            yield return Update(delta.Call is { } call ? RequestMapping.Content(call) : new TextContent(delta.Text));
        cancellationToken.ThrowIfCancellationRequested();
        GenerationResult result = stream.Result!;
        ChatResponseUpdate last = Update(new UsageContent(Usage(result)));
        last.FinishReason = stream.HasCalls ? ChatFinishReason.ToolCalls
            : result.FinishReason is FinishReason.Stop or FinishReason.Repetition ? ChatFinishReason.Stop : ChatFinishReason.Length;
        yield return last;

        ChatResponseUpdate Update(AIContent content) => new(ChatRole.Assistant, [content])
        {
            ResponseId = id,
            MessageId = id,
            ModelId = Metadata.DefaultModelId,
            CreatedAt = DateTimeOffset.UtcNow,
        };
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null : serviceType == typeof(ChatClientMetadata) ? Metadata
            : serviceType == typeof(EngineLoop) ? _engine : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Stops the engine and frees the model where they are the client's own.</summary>
    public void Dispose()
    {
        if (_ownsEngine) _engine.Dispose();
        _owned?.Dispose();
    }

    private static UsageDetails Usage(GenerationResult result) => new()
    {
        InputTokenCount = result.PromptTokens,
        CachedInputTokenCount = result.ReusedTokens,
        OutputTokenCount = result.Ids.Count,
        TotalTokenCount = result.PromptTokens + result.Ids.Count,
        AdditionalCounts = new AdditionalPropertiesDictionary<long>
        {
            ["kvasir.time_to_first_token_us"] = (long)result.TimeToFirstToken.TotalMicroseconds,
            ["kvasir.kv_bytes"] = result.KvBytes,
        },
    };
}
