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
        switch (preTokenizer.Type)
        {
            case "Sequence":
                foreach (JsonFields part in preTokenizer.Objects("pretokenizers"))
                {
                    Read(part, spacesMarked, steps, stages);
                }
                break;
            case "ByteLevel":
                ByteLevel(preTokenizer, steps, stages);
                break;
            case "Split":
                Split(preTokenizer, spacesMarked, stages);
                break;
            case "Digits":
                stages.Add(new RunSplitter(new RuneSet(CharClass.Number)) { Longest = preTokenizer.Flag("individual_digits", false) ? 1 : int.MaxValue });
                break;
            case "Punctuation":
                stages.Add(preTokenizer.Text("behavior", "Isolated") switch
                {
                    "Isolated" => PreTokenizers.PunctuationRuns(longest: 1),
                    "Contiguous" => PreTokenizers.PunctuationRuns(),
                    string other => throw preTokenizer.Unsupported($"behavior '{other}'"),
                });
                break;
            case "BertPreTokenizer":
                stages.Add(BertText.PreTokenizer());
                break;
            case "Metaspace":
                Metaspace(preTokenizer, steps, stages);
                break;
            default:
                throw preTokenizer.Unsupported($"pre-tokenizer '{preTokenizer.Type}'");
        }
    }

    /// <summary>Whether this kind stands in it.</summary>
    public static bool Contains(JsonFields preTokenizer, string type) =>
        preTokenizer.Type == type || (preTokenizer.Type == "Sequence" && preTokenizer.Objects("pretokenizers").Any(part => Contains(part, type)));

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

    private static void ByteLevel(JsonFields preTokenizer, List<TextNormalizer.Step> steps, List<PreTokenizer> stages)
    {
        if (preTokenizer.Flag("add_prefix_space", true))
        {
            if (stages.Count > 0)
            {
                throw preTokenizer.Unsupported("'add_prefix_space' after other pre-tokenizers");
            }
            steps.Add(TextNormalizer.Prepend(" ", unlessThere: true));
        }
        if (preTokenizer.Flag("use_regex", true))
        {
            stages.Add(PreTokenizers.Gpt2());
        }
    }

    private static void Split(JsonFields preTokenizer, bool spacesMarked, List<PreTokenizer> stages)
    {
        JsonFields pattern = preTokenizer.Object("pattern");
        if (spacesMarked)
        {
            // Nothing is left to be cut at a space (Gemma's files still ask for it).
            if (pattern.Text("String", "") != " ")
            {
                throw preTokenizer.Unsupported("a pattern after U+2581 has replaced spaces");
            }
            return;
        }
        bool invert = preTokenizer.Flag("invert", false);
        string behavior = preTokenizer.Text("behavior");
        PreTokenizer splitter = (behavior, invert, pattern.Has("Regex")) switch
        {
            ("Isolated", _, true) => PreTokenizers.ByPattern(pattern.Text("Regex")),
            ("Isolated", _, false) => new RegexSplitter(System.Text.RegularExpressions.Regex.Escape(pattern.Text("String"))),
            // Known patterns match everything, so that there are no gaps to remove.
            ("Removed", true, true) when PreTokenizers.ByPattern(pattern.Text("Regex")) is WordScanner scanner => scanner,
            ("Removed", _, true) => new RegexSplitter(pattern.Text("Regex"), keepsMatches: invert, keepsGaps: !invert),
            _ => throw preTokenizer.Unsupported($"behavior '{behavior}'"),
        };
        stages.Add(splitter);
    }

    private static void Metaspace(JsonFields preTokenizer, List<TextNormalizer.Step> steps, List<PreTokenizer> stages)
    {
        if (preTokenizer.Text("replacement", "\u2581") != "\u2581")
        {
            throw preTokenizer.Unsupported("a replacement other than U+2581");
        }
        SpacePrefix prefix = PrefixOf(preTokenizer);
        if (prefix != SpacePrefix.None)
        {
            steps.Add(TextNormalizer.Prepend(" ", onlyFirst: prefix == SpacePrefix.First, unlessThere: true));
        }
        if (preTokenizer.Flag("split", true))
        {
            stages.Add(new SpaceSplitter(everySpace: true));
        }
    }
}
