using Kvasir.Tokenization.Jinja;

namespace Kvasir.Tokenization;

/// <summary>
/// A chat template: the subset of Jinja that model files carry, with the settings that Hugging Face renders them with
/// (trim_blocks, lstrip_blocks, break and continue, nothing can be changed by the template). Immutable and safe to share between threads.
/// </summary>
/// <remarks>Templates come with model files, so they are not trusted: work, text and nesting are limited.</remarks>
public sealed class ChatTemplate
{
    private const int MaxSourceLength = 1 << 20;

    private readonly Statement _body;
    private readonly TimeProvider _clock;

    /// <summary>Parses a template.</summary>
    /// <exception cref="InvalidInputException">A syntax error, with its line.</exception>
    public ChatTemplate(string source) : this(source, TimeProvider.System) { }

    /// <summary>Parses a template whose <c>strftime_now</c> reads <paramref name="clock"/>.</summary>
    /// <exception cref="InvalidInputException">A syntax error, with its line.</exception>
    public ChatTemplate(string source, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(clock);
        if (source.Length > MaxSourceLength)
        {
            throw new InvalidInputException($"chat template: {source.Length} characters are too long, {MaxSourceLength} are allowed");
        }

        Source = source;
        _clock = clock;
        _body = Parser.Parse(source);
    }

    /// <summary>The template's text.</summary>
    public string Source { get; }

    /// <summary>The prompt text of a conversation, special tokens as text.</summary>
    /// <param name="messages">The conversation, oldest message first.</param>
    /// <param name="addGenerationPrompt">End with what opens the assistant's turn.</param>
    /// <param name="beginOfText">Text of the BOS token (<c>bos_token</c>); undefined in the template where null.</param>
    /// <param name="endOfText">Text of the EOS token (<c>eos_token</c>); undefined in the template where null.</param>
    /// <param name="variables">Other variables, such as <c>enable_thinking</c>, <c>tools</c> or <c>date_string</c>; values as for <see cref="ChatMessage.Fields"/>.</param>
    /// <param name="cancellation">Ends the rendering.</param>
    /// <exception cref="InvalidInputException">The template raised an exception or cannot be run; the message has the template's line.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt = true, string? beginOfText = null, string? endOfText = null, IReadOnlyDictionary<string, object?>? variables = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var conversion = new ValueConversion();
        var scope = new Scope(Globals.NewScope());
        scope.Set("messages", conversion.Convert(messages.Select(Fields)));
        scope.Set("add_generation_prompt", addGenerationPrompt);
        foreach ((string name, string? token) in new[] { ("bos_token", beginOfText), ("eos_token", endOfText) })
        {
            if (token is not null)
            {
                scope.Set(name, token);
            }
        }

        foreach ((string name, object? value) in variables ?? new Dictionary<string, object?>())
        {
            scope.Set(name, conversion.Convert(value));
        }

        return Run(new RenderContext(scope, _clock, conversion.Size, cancellation));
    }

    private string Run(RenderContext context)
    {
        try
        {
            _body.Execute(context);
            return context.Output.ToString();
        }
        catch (InvalidInputException error)
        {
            throw TemplateError.At(context.Line, error.Message);
        }
    }

    private static Dictionary<string, object?> Fields(ChatMessage message)
    {
        var fields = new Dictionary<string, object?> { ["role"] = message.Role, ["content"] = message.Content };
        foreach ((string name, object? value) in message.Fields ?? new Dictionary<string, object?>())
        {
            fields[name] = value;
        }

        return fields;
    }
}
