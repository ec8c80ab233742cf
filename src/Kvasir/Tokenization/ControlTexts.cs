namespace Kvasir.Tokenization;

/// <summary>Tokens that are known by their text, whatever a model's file says of their type.</summary>
internal static class ControlTexts
{
    /// <summary>Tokens that end a turn; generation ends at them.</summary>
    public static IReadOnlySet<string> EndsOfTurn { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>", "<|end|>", "<|endoftext|>", "<|end_of_text|>", "<|return|>", "<|call|>",
        "<|end_of_turn|>", "<|eot|>", "<|EOT|>", "<|eom|>", "<EOT>", "< EOT >", "_< EOT >", "<end_of_utterance>", "<|END_OF_TURN_TOKEN|>",
        "<|endofturn|>", "<|eos|>", "<eos>", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>", "[EOS]",
    };

    /// <summary>SentencePiece's end of text; in other vocabularies it may be HTML's end of struck-out text.</summary>
    public const string EndOfText = "</s>";

    /// <summary>Whether no text would be spelled so: an end of turn, or a name between <c>&lt;|</c> and <c>|&gt;</c>.</summary>
    public static bool LooksLikeControl(string text) => EndsOfTurn.Contains(text)
        || (text.Length > 4 && text.StartsWith("<|", StringComparison.Ordinal) && text.EndsWith("|>", StringComparison.Ordinal)
            && text.AsSpan(2, text.Length - 4).IndexOfAnyExcept(s_nameCharacters) < 0);

    private static readonly System.Buffers.SearchValues<char> s_nameCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
}
