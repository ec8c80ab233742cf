using Kvasir.Formats;
using Kvasir.Tokenization.Jinja;

namespace Kvasir.Tokenization;

/// <summary>
/// A chat template: the subset of Jinja that model files carry, with the settings that Hugging Face renders them with
/// (trim_blocks, lstrip_blocks, break and continue, nothing can be changed by the template). Immutable and safe to share between threads.
/// </summary>
/// <remarks>Templates come with model files, so they are not trusted: work, text and nesting are limited.</remarks>
public sealed class ChatTemplate
{
    /// <summary>Where the metadata holds it; further ones have a point and their name behind.</summary>
    private const string Key = "tokenizer.chat_template";

    private const int MaxSourceLength = 1 << 20;

    private readonly Statement _body;
    private readonly TimeProvider _clock;
    private readonly IReadOnlyDictionary<string, string> _tokens;

    /// <summary>Parses a template.</summary>
    /// <exception cref="InvalidInputException">A syntax error, with its line.</exception>
    public ChatTemplate(string source) : this(source, TimeProvider.System) { }

    /// <summary>Parses a template whose <c>strftime_now</c> reads <paramref name="clock"/>.</summary>
    /// <exception cref="InvalidInputException">A syntax error, with its line.</exception>
    public ChatTemplate(string source, TimeProvider clock) : this(source, clock, new Dictionary<string, string>()) { }

    private ChatTemplate(string source, TimeProvider clock, IReadOnlyDictionary<string, string> tokens)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(clock);
        if (source.Length > MaxSourceLength)
            throw new InvalidInputException($"chat template: {source.Length} characters are too long, {MaxSourceLength} are allowed");

        Source = source;
        _clock = clock;
        _tokens = tokens;
        _body = Parser.Parse(source);
    }

    /// <summary>The template that a model's file carries, with the texts of its special tokens; null where there is none.</summary>
    /// <param name="file">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="name">Which one of several, such as <c>tool_use</c>; the unnamed one where there is none of this name.</param>
    /// <exception cref="InvalidInputException">A syntax error, with its line.</exception>
    public static ChatTemplate? Load(ModelFile file, Tokenizer tokenizer, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(tokenizer);
        string source = file.Get($"{Key}.{name}", file.Get(Key, ""));
        return source.Length == 0 ? null : new ChatTemplate(source, TimeProvider.System, TokenTexts(file, tokenizer));
    }

    /// <summary>The template's text.</summary>
    public string Source { get; }

    /// <summary>Whether it reads pictures from lists of content parts.</summary>
    internal bool TakesImages =>
        Source.Contains("'image'", StringComparison.Ordinal) || Source.Contains("\"image\"", StringComparison.Ordinal);

    /// <summary>Whether it reads content from such lists alone.</summary>
    internal bool NeedsParts => TakesImages && !Source.Contains("is string", StringComparison.Ordinal)
        && !Source.Contains("is not string", StringComparison.Ordinal);

    /// <summary>The prompt text of a conversation, special tokens as text.</summary>
    /// <param name="messages">The conversation, oldest message first.</param>
    /// <param name="addGenerationPrompt">End with what opens the assistant's turn.</param>
    /// <param name="beginOfText">Text of the BOS token (<c>bos_token</c>); where null, the model's if it was loaded with one.</param>
    /// <param name="endOfText">Text of the EOS token (<c>eos_token</c>); where null, the model's if it was loaded with one.</param>
    /// <param name="variables">
    /// Other variables, such as <c>enable_thinking</c> or <c>tools</c>; values as for <see cref="ChatMessage.Fields"/>. They stand before
    /// all others. <c>tools</c> and <c>documents</c> are None where they are not given, as Hugging Face has it.
    /// </param>
    /// <param name="cancellation">Ends the rendering.</param>
    /// <exception cref="InvalidInputException">The template raised an exception or cannot be run; its line is told.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt = true, string? beginOfText = null,
        string? endOfText = null, IReadOnlyDictionary<string, object?>? variables = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var conversion = new ValueConversion();
        var scope = new Scope(Globals.NewScope());
        scope.Set("messages", conversion.Convert(messages.Select(Fields)));
        scope.Set("add_generation_prompt", addGenerationPrompt);
        scope.Set("tools", null);
        scope.Set("documents", null);
        foreach ((string name, string token) in _tokens) scope.Set(name, token);
        if (beginOfText is not null) scope.Set("bos_token", beginOfText);
        if (endOfText is not null) scope.Set("eos_token", endOfText);
        foreach ((string name, object? value) in variables ?? new Dictionary<string, object?>()) scope.Set(name, conversion.Convert(value));
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

    private static Dictionary<string, string> TokenTexts(ModelFile file, Tokenizer tokenizer)
    {
        string prefix = HfTokenizerSettings.TokenTextKey;
        var texts = file.Metadata.Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(entry => entry.Key[prefix.Length..], entry => (string)entry.Value);
        if (texts.Count > 0) return texts;
        (string Name, long Id)[] ids =
        [
            ("bos_token", tokenizer.BeginOfText),
            ("eos_token", tokenizer.EndOfText),
            ("pad_token", Id("padding")),
            ("unk_token", Id("unknown")),
            ("sep_token", Id("seperator")),
            ("cls_token", Id("cls")),
            ("mask_token", Id("mask")),
        ];
        return ids.Where(token => token.Id >= 0 && token.Id < tokenizer.VocabularySize)
            .ToDictionary(token => token.Name, token => tokenizer.Decode([(int)token.Id]));

        long Id(string name) => file.Get($"tokenizer.ggml.{name}_token_id", -1L);
    }

    /// <summary>What the template reads of a message: its fields alone where they hold a role, else role, content and fields.</summary>
    private static IReadOnlyDictionary<string, object?> Fields(ChatMessage message)
    {
        if (message.Fields?.ContainsKey("role") == true) return message.Fields;
        var fields = new Dictionary<string, object?> { ["role"] = message.Role, ["content"] = message.Content };
        foreach ((string name, object? value) in message.Fields ?? new Dictionary<string, object?>()) fields[name] = value;
        return fields;
    }
}
