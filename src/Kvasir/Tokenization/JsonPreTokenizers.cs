using System.Text.RegularExpressions;

namespace Kvasir.Tokenization;

/// <summary>The <c>pre_tokenizer</c> of tokenizer.json.</summary>
internal static class JsonPreTokenizers
{
    /// <summary>Appends its stages, and to <paramref name="steps"/> what it does to the text before.</summary>
    /// <param name="preTokenizer">The object.</param>
    /// <param name="spacesMarked">The normalizer has turned spaces into U+2581, which is a space here.</param>
    /// <param name="steps">Steps of the normalizer so far.</param>
    /// <param name="stages">Where the stages go.</param>
    /// <exception cref="InvalidInputException">It is of an unknown kind.</exception>
    public static void Read(JsonFields preTokenizer, bool spacesMarked, List<TextNormalizer.Step> steps, List<PreTokenizer> stages)
    {
        if (preTokenizer.Type != "Sequence") stages.AddRange(One(preTokenizer, spacesMarked, steps, stages.Count == 0));
        else foreach (JsonFields part in preTokenizer.Objects("pretokenizers")) Read(part, spacesMarked, steps, stages);
    }

    private static PreTokenizer[] One(JsonFields part, bool spacesMarked, List<TextNormalizer.Step> steps, bool first) => part.Type switch
    {
        "ByteLevel" => ByteLevel(part, steps, first),
        "Split" => Split(part, spacesMarked),
        "Digits" => [new RunSplitter(new RuneSet(CharClass.Number)) { Longest = part.Flag("individual_digits", false) ? 1 : int.MaxValue }],
        "Punctuation" => Behavior(part, "Isolated") switch
        {
            SplitBehavior.Isolated => [PreTokenizers.PunctuationRuns(longest: 1)],
            SplitBehavior.Contiguous => [PreTokenizers.PunctuationRuns()],
            SplitBehavior other => [new RegexSplitter(@"[\p{P}$+<=>^`|~]", other)],
        },
        "Whitespace" =>
        [
            new RegexSplitter(@"[\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\u200C\u200D]+|[^\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\u200C\u200D\s]+",
                SplitBehavior.Removed, inverts: true),
        ],
        "WhitespaceSplit" => [new RegexSplitter(@"\s", SplitBehavior.Removed)],
        "CharDelimiterSplit" => [new RegexSplitter(Regex.Escape(part.Text("delimiter")), SplitBehavior.Removed)],
        "BertPreTokenizer" => [BertText.PreTokenizer()],
        "Metaspace" => Metaspace(part, steps, first),
        string other => throw part.Unsupported($"pre-tokenizer '{other}'"),
    };

    /// <summary>Whether this kind stands in it.</summary>
    public static bool Contains(JsonFields preTokenizer, string type) =>
        preTokenizer.Type == type
            || (preTokenizer.Type == "Sequence" && preTokenizer.Objects("pretokenizers").Any(part => Contains(part, type)));

    /// <summary>Where Metaspace puts a space before the text.</summary>
    public static SpacePrefix PrefixOf(JsonFields preTokenizer) => preTokenizer.Type switch
    {
        "Sequence" => preTokenizer.Objects("pretokenizers").Select(PrefixOf).DefaultIfEmpty().Max(),
        "Metaspace" => preTokenizer.Text("prepend_scheme", preTokenizer.Flag("add_prefix_space", true) ? "always" : "never") switch
        {
            "always" => SpacePrefix.Every,
            "first" => SpacePrefix.First,
            "never" => SpacePrefix.None,
            string other => throw preTokenizer.Unsupported($"prepend_scheme '{other}'"),
        },
        _ => SpacePrefix.None,
    };

    private static PreTokenizer[] ByteLevel(JsonFields preTokenizer, List<TextNormalizer.Step> steps, bool first)
    {
        bool cuts = preTokenizer.Flag("use_regex", true);
        PreTokenizer[] stages = cuts ? [PreTokenizers.Gpt2(), PreTokenizer.ToBytes] : [PreTokenizer.ToBytes];
        return preTokenizer.Flag("add_prefix_space", true) ? Prefixed(stages, steps, first, onlyFirst: false) : stages;
    }

    /// <summary>Stages behind a space: of the text where they are the first, of each piece behind others.</summary>
    private static PreTokenizer[] Prefixed(PreTokenizer[] stages, List<TextNormalizer.Step> steps, bool first, bool onlyFirst)
    {
        if (!first) return [PreTokenizer.WithSpace, .. stages];
        steps.Add(TextNormalizer.Prepend(" ", onlyFirst, unlessThere: true));
        return stages;
    }

    private static PreTokenizer[] Split(JsonFields preTokenizer, bool spacesMarked)
    {
        JsonFields pattern = preTokenizer.Object("pattern");
        // Nothing is left to be cut at a space (Gemma's files still ask for it).
        if (spacesMarked)
            return pattern.Text("String", "") == " " ? [] : throw preTokenizer.Unsupported("a pattern after U+2581 has replaced spaces");
        bool inverts = preTokenizer.Flag("invert", false);
        string expression = pattern.Has("Regex") ? pattern.Text("Regex") : Regex.Escape(pattern.Text("String"));
        SplitBehavior behavior = Behavior(preTokenizer, null);
        // Known patterns match everything, so that there are no gaps.
        bool wholly = pattern.Has("Regex") && (behavior == SplitBehavior.Isolated || (behavior == SplitBehavior.Removed && inverts));
        return
        [
            wholly && PreTokenizers.ByPattern(expression) is WordScanner scanner
                ? scanner : new RegexSplitter(expression, behavior, inverts),
        ];
    }

    private static SplitBehavior Behavior(JsonFields preTokenizer, string? usual) =>
        preTokenizer.Text("behavior", usual) is var name && Enum.TryParse(name, out SplitBehavior behavior) && char.IsLetter(name[0])
            ? behavior : throw preTokenizer.Unsupported($"behavior '{name}'");

    private static PreTokenizer[] Metaspace(JsonFields preTokenizer, List<TextNormalizer.Step> steps, bool first)
    {
        if (preTokenizer.Text("replacement", "\u2581") != "\u2581")
            throw preTokenizer.Unsupported("a replacement other than U+2581");
        SpacePrefix prefix = PrefixOf(preTokenizer);
        PreTokenizer[] stages = preTokenizer.Flag("split", true) ? [new SpaceSplitter(everySpace: true)] : [];
        if (prefix == SpacePrefix.None) return stages;
        if (!first && prefix == SpacePrefix.First) throw preTokenizer.Unsupported("prepend_scheme 'first' after other pre-tokenizers");
        return Prefixed(stages, steps, first, onlyFirst: prefix == SpacePrefix.First);
    }
}
