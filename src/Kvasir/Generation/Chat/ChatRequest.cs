using System.Text.Json;
using Kvasir.Generation.Constraints;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Generation.Chat;

/// <summary>A reply that is asked for, in the terms that all doors to the engine share.</summary>
internal sealed record ChatRequest
{
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>The pictures that markers in the messages stand for; null for none.</summary>
    public InputEmbeddings? Embeddings { get; init; }

    /// <summary>When to end and how to choose tokens.</summary>
    public required GenerationOptions Options { get; init; }

    public IReadOnlyList<ToolDefinition> Tools { get; init; } = [];

    public ToolChoice Choice { get; init; } = ToolChoice.Auto;

    /// <summary>A JSON schema that the reply has to keep to; <c>{"type":"object"}</c> for any JSON. Null for free text.</summary>
    public JsonElement? Schema { get; init; }

    /// <summary>Replies.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Starts the replies, all or none.</summary>
    /// <exception cref="InvalidInputException">The model has no chat template, or none that knows tools; the conversation is too long; the
    /// schema cannot be kept.</exception>
    /// <inheritdoc cref="EngineLoop.Start"/>
    public IReadOnlyList<ChatStream> Start(EngineLoop engine, CancellationToken cancellation)
    {
        ToolForm? form = Tools.Count == 0 ? null : ToolForm.Of(engine.Template)
            ?? throw new InvalidInputException(
                "this model's chat template knows no tools; leave them out, or use a model that was trained for them");
        ToolDefinition[] callable = [.. Tools.Where(tool => Choice.Name is null || tool.Name == Choice.Name)];
        if (Choice.MustCall && callable.Length == 0)
            throw new InvalidInputException(Choice.Name is null ? "a call is required, but there are no tools"
                : $"there is no tool {Choice.Name}");
        bool mustCall = form is not null && Choice.MustCall;
        string? schema = mustCall ? form!.Schema(callable) : Schema?.GetRawText();
        GenerationOptions options = Options with
        {
            ShowControlTokens = form is not null,
            Constraint = schema is null ? Options.Constraint : engine.Constraints.Get(schema, () => Read(schema)),
        };
        string opening = !mustCall || form!.Opening.Length == 0 ? "" : form.IsList ? form.Opening : form.Opening + "\n";
        int[] prompt = Session.EncodeChat(engine.Tokenizer, engine.Template, Messages, Embeddings,
            form is null ? null : new Dictionary<string, object?> { ["tools"] = Tools.Select(tool => tool.Json).ToArray() }, opening);
        string[] names = [.. Tools.Select(tool => tool.Name)];
        return [.. engine.StartAll(prompt, [.. Seeds(options)], Embeddings, cancellation).Select(stream =>
            new ChatStream(stream, form is null ? null : new ToolCallParser(form, names, begunWithCall: opening.Length > 0)))];
    }

    /// <summary>Replies of one seed would all be the same: each has the next one.</summary>
    private IEnumerable<GenerationOptions> Seeds(GenerationOptions options) => Enumerable.Range(0, Count).Select(i =>
        i == 0 || options.Sampler.Seed is not { } seed ? options
            : options with { Sampler = options.Sampler with { Seed = unchecked(seed + (ulong)i) } });

    private static Grammar Read(string schema)
    {
        using JsonDocument document = JsonDocument.Parse(schema);
        return Grammar.FromJsonSchema(document.RootElement);
    }
}
