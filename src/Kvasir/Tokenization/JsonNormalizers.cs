namespace Kvasir.Tokenization;

/// <summary>The <c>normalizer</c> of tokenizer.json.</summary>
internal static class JsonNormalizers
{
    /// <summary>Appends its steps. U+2581 is written as the space that it stands for, as in vocabularies over characters.</summary>
    /// <exception cref="InvalidInputException">It is of an unknown kind.</exception>
    public static void Read(JsonFields normalizer, List<TextNormalizer.Step> steps)
    {
        switch (normalizer.Type)
        {
            case "Sequence":
                foreach (JsonFields part in normalizer.Objects("normalizers")) Read(part, steps);
                break;
            case "NFC":
                steps.Add(TextNormalizer.Nfc);
                break;
            case "NFD":
                steps.Add(TextNormalizer.Nfd);
                break;
            case "Lowercase":
                steps.Add(TextNormalizer.Lowercase);
                break;
            case "StripAccents":
                steps.Add(TextNormalizer.StripAccents);
                break;
            case "Prepend":
                steps.Add(TextNormalizer.Prepend(Spaced(normalizer.Text("prepend"))));
                break;
            case "Replace":
                Replace(normalizer, steps);
                break;
            case "BertNormalizer":
                bool lowercase = normalizer.Flag("lowercase", true);
                steps.AddRange(BertText.Steps(normalizer.Flag("clean_text", true),
                    normalizer.Flag("handle_chinese_chars", true), normalizer.Flag("strip_accents", lowercase), lowercase));
                break;
            default:
                throw normalizer.Unsupported($"normalizer '{normalizer.Type}'");
        }
    }

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
        "Prepend" => Spaced(normalizer.Text("prepend")) == " ",
        _ => false,
    };

    private static void Replace(JsonFields normalizer, List<TextNormalizer.Step> steps)
    {
        JsonFields pattern = normalizer.Object("pattern");
        string by = Spaced(normalizer.Text("content"));
        if (pattern.Has("Regex"))
        {
            steps.Add(TextNormalizer.ReplacePattern(pattern.Text("Regex"), by));
            return;
        }
        string what = pattern.Text("String");
        if (what.Length == 0) throw normalizer.Unsupported("replacing an empty text");
        if (what != by) steps.Add(TextNormalizer.Replace(what, by));
    }

    private static string Spaced(string text) => text.Replace(TokenSpellings.SpaceMark, ' ');
}
