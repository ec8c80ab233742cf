namespace Kvasir.Tokenization;

/// <summary>The <c>normalizer</c> of tokenizer.json.</summary>
internal static class JsonNormalizers
{
    /// <summary>Its steps.</summary>
    /// <param name="normalizer">The object.</param>
    /// <param name="marksAreSpaces">U+2581 is written as the space that it stands for, as in vocabularies over characters.</param>
    /// <exception cref="InvalidInputException">It is of an unknown kind.</exception>
    public static IEnumerable<TextNormalizer.Step> Steps(JsonFields normalizer, bool marksAreSpaces) => normalizer.Type switch
    {
        "Sequence" => normalizer.Objects("normalizers").SelectMany(part => Steps(part, marksAreSpaces)),
        "NFC" => [TextNormalizer.Nfc],
        "NFD" => [TextNormalizer.Nfd],
        "Lowercase" => [TextNormalizer.Lowercase],
        "StripAccents" => [TextNormalizer.StripMarks],
        "Strip" => [TextNormalizer.Trim(normalizer.Flag("strip_left", true), normalizer.Flag("strip_right", true))],
        "Prepend" => [TextNormalizer.Prepend(Spaced(normalizer.Text("prepend"), marksAreSpaces))],
        "Replace" => Replace(normalizer, marksAreSpaces),
        "BertNormalizer" => BertText.Steps(
            normalizer.Flag("clean_text", true),
            normalizer.Flag("handle_chinese_chars", true),
            normalizer.Flag("strip_accents", normalizer.Flag("lowercase", true)),
            normalizer.Flag("lowercase", true)),
        string other => throw normalizer.Unsupported($"normalizer '{other}'"),
    };

    /// <summary>Whether every space becomes U+2581.</summary>
    public static bool MarksSpaces(JsonFields normalizer) => normalizer.Type switch
    {
        "Sequence" => normalizer.Objects("normalizers").Any(MarksSpaces),
        "Replace" => normalizer.Text("content") == "\u2581" && normalizer.Object("pattern").Text("String", "") == " ",
        _ => false,
    };

    /// <summary>Whether a space is put before the text.</summary>
    public static bool PrependsSpace(JsonFields normalizer) => normalizer.Type switch
    {
        "Sequence" => normalizer.Objects("normalizers").Any(PrependsSpace),
        "Prepend" => normalizer.Text("prepend") is "\u2581" or " ",
        _ => false,
    };

    private static TextNormalizer.Step[] Replace(JsonFields normalizer, bool marksAreSpaces)
    {
        JsonFields pattern = normalizer.Object("pattern");
        string by = Spaced(normalizer.Text("content"), marksAreSpaces);
        if (pattern.Has("Regex")) return [TextNormalizer.ReplacePattern(pattern.Text("Regex"), by)];
        string what = pattern.Text("String");
        if (what.Length == 0) throw normalizer.Unsupported("replacing an empty text");
        return what == by ? [] : [TextNormalizer.Replace(what, by)];
    }

    private static string Spaced(string text, bool marksAreSpaces) => marksAreSpaces ? text.Replace(TokenSpellings.SpaceMark, ' ') : text;
}
