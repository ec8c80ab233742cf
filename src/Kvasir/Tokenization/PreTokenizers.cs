namespace Kvasir.Tokenization;

/// <summary>Pre-tokenizers that model files name (GGUF's <c>tokenizer.ggml.pre</c>) or spell out as a pattern (tokenizer.json).</summary>
internal static class PreTokenizers
{
    /// <summary>GPT-2.</summary>
    public const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Llama 3.</summary>
    public const string Llama3Pattern = $@"{AnyCase}|{Word}|\p{{N}}{{1,3}}| ?{Others}[\r\n]*|\s*[\r\n]+|{Blanks}";

    /// <summary>Qwen 2.</summary>
    public const string Qwen2Pattern = $@"{AnyCase}|{Word}|\p{{N}}| ?{Others}[\r\n]*|\s*[\r\n]+|{Blanks}";

    /// <summary>Mistral's Tekken.</summary>
    public const string TekkenPattern = $@"{Lowered}|{Raised}|\p{{N}}| ?{Others}[\r\n/]*|\s*[\r\n]+|{Blanks}";

    /// <summary>GPT-4o (o200k).</summary>
    public const string Gpt4oPattern =
        $@"{Lowered}{AnyCase}?|{Raised}{AnyCase}?|\p{{N}}{{1,3}}| ?{Others}[\r\n/]*|\s*[\r\n]+|{Blanks}";

    /// <summary>The last of DeepSeek V3's three patterns.</summary>
    public const string DeepSeek3WordPattern =
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|"
        + Blanks;

    /// <summary>What patterns are made of: contractions, words (of falling or rising case), other characters, white space.</summary>
    private const string AnyCase = "(?i:'s|'t|'re|'ve|'m|'ll|'d)", Prefix = @"[^\r\n\p{L}\p{N}]?", Word = Prefix + @"\p{L}+";
    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    private const string Lowered = $"{Prefix}{Upper}*{Lower}+", Raised = $"{Prefix}{Upper}+{Lower}*";
    private const string Others = @"[^\s\p{L}\p{N}]+", Blanks = @"\s+(?!\S)|\s+";

    /// <summary>First and last characters of DeepSeek LLM's letter ranges: the scripts that have case.</summary>
    internal const string DeepSeekLetters =
        "AZaz\u00B5\u00B5\u00C0\u00D6\u00D8\u00F6\u00F8\u01BA\u01BC\u01BF\u01C4\u0293\u0295\u02AF\u0370\u0373\u0376\u0377\u037B"
        + "\u037D\u037F\u037F\u0386\u0386\u0388\u038A\u038C\u038C\u038E\u03A1\u03A3\u03F5\u03F7\u0481\u048A\u052F\u0531\u0556\u10A0"
        + "\u10C5\u13A0\u13F5\u13F8\u13FD\u1C90\u1CBA\u1CBD\u1CBF\u1D00\u1D2B\u1D6B\u1D77\u1D79\u1D9A\u1E00\u1F15\u1F18\u1F1D\u1F20"
        + "\u1F45\u1F48\u1F4D\u1F50\u1F57\u1F59\u1F59\u1F5B\u1F5B\u1F5D\u1F5D\u1F5F\u1F7D\u1F80\u1FB4\u1FB6\u1FBC\u1FBE\u1FBE\u1FC2"
        + "\u1FC4\u1FC6\u1FCC\u1FD0\u1FD3\u1FD6\u1FDB\u1FE0\u1FEC\u1FF2\u1FF4\u1FF6\u1FFC\u2102\u2102\u2107\u2107\u210A\u2113\u2115"
        + "\u2115\u2119\u211D\u2124\u2124\u2126\u2126\u2128\u2128\u212A\u212D\u212F\u2134\u2139\u2139\u213C\u213F\u2145\u2149\u214E"
        + "\u214E\u2183\u2184\u2C00\u2C7B\u2C7E\u2CE4\u2CEB\u2CEE\u2CF2\u2CF3\uA640\uA66D\uA680\uA69B\uA722\uA76F\uA771\uA787\uA78B"
        + "\uA78E\uAB70\uABBF\uFB00\uFB06\uFB13\uFB17\uFF21\uFF3A\uFF41\uFF5A\U00010400\U0001044F\U000104B0\U000104D3\U000104D8"
        + "\U000104FB\U00010C80\U00010CB2\U00010CC0\U00010CF2\U000118A0\U000118DF\U0001E900\U0001E943";

    internal const string DeepSeekPunctuation = "!/:~\uFF01\uFF0F\uFF1A\uFF5E\u2018\u201F\u3000\u3002";

    internal const string DeepSeekEastAsian = "\u4E00\u9FA5\u0800\u4E00\uAC00\uD7FF";

    private const string BloomPattern = @" ?[^(\s|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)]+";

    private const string SeedCoderPattern = $@"{AnyCase}|{Word}|\p{{N}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|\s*[\r\n]+|{Blanks}";

    private const string BailingPattern = $@"'(?i:[sdmt]|ll|ve|re)|{Word}|\p{{N}}| ?{Others}[\r\n]*|\s*[\r\n]|{Blanks}";

    /// <summary>Names under which a piece that is a token is not merged, and texts begin with BOS unless the file says no.</summary>
    public static bool TakesWholePieces(string name) =>
        name is "llama-bpe" or "llama3" or "llama-v3" or "falcon3" or "falcon-h1" or "pixtral" or "midm-2.0" or "lfm2" or "tekken";

    /// <summary>The pre-tokenizer of GGUF's name, or null where the name is unknown.</summary>
    public static PreTokenizer? ByName(string name) => name switch
    {
        "gpt-2" or "phi-2" or "mpt" or "olmo" or "jais" or "trillion" or "granite-docling" or "exaone4" or "gigachat" or "a.x-4.0"
            or "mellum" or "roberta-bpe" or "jina-es" or "jina-de" or "jina-v1-en" or "jina-v2-es" or "jina-v2-de"
            or "jina-v2-code" => Gpt2(),
        "smollm" or "starcoder" or "refact" or "command-r" or "codeshell" or "exaone" or "minerva-7b" => IsolatedNumbers(),
        "llama-bpe" or "llama3" or "llama-v3" or "falcon3" or "falcon-h1" or "pixtral" or "midm-2.0" or "lfm2" or "dbrx" or "smaug-bpe"
            or "chatglm-bpe" or "glm4" => Llama3(3),
        "qwen2" or "deepseek-r1-qwen" or "stablelm2" or "megrez" or "hunyuan" or "grok-2" or "kormo" or "f2llmv2" => Llama3(1),
        "default" => PreTokenizer.Sequence(
            new RunSplitter(new RuneSet(CharClass.Punctuation, "$$++<>^^||~~")),
            Gpt2(),
            new RunSplitter(new RuneSet(CharClass.Number)),
            ThreeDigits()),
        "bloom" or "poro-chat" or "gpt3-finnish" => new RegexSplitter(BloomPattern),
        "viking" => PreTokenizer.Sequence(new RegexSplitter(BloomPattern), new RunSplitter(new RuneSet(CharClass.Number)) { Longest = 1 }),
        "superbpe" => PreTokenizer.Sequence(new RunSplitter(new RuneSet(CharClass.Number)), new RegexSplitter(@"(?=(\d{3})+(?!\d))")),
        "seed-coder" => new RegexSplitter(SeedCoderPattern),
        "bailingmoe" or "bailingmoe2" or "llada-moe" => new RegexSplitter(BailingPattern),
        "tekken" => Cased(WordScanner.Contraction.None, 1),
        "gpt-4o" or "llama4" or "minimax-m2" => Cased(WordScanner.Contraction.AfterWord, 3),
        "falcon" => PreTokenizer.Sequence(PunctuationRuns(), Gpt2(), ThreeDigits()),
        "deepseek-llm" => PreTokenizer.Sequence(
            LineBreaks(),
            new RunSplitter(new RuneSet(CharClass.None, DeepSeekLetters)) { TakesSpace = true },
            new RunSplitter(new RuneSet(CharClass.None, DeepSeekPunctuation)) { TakesSpace = true },
            new RunSplitter(new RuneSet(CharClass.Space)) { OnlyAtEnd = true },
            new RunSplitter(new RuneSet(CharClass.None, DeepSeekEastAsian)),
            new RunSplitter(new RuneSet(CharClass.Number))),
        "deepseek-coder" => PreTokenizer.Sequence(
            LineBreaks(),
            new RunSplitter(new RuneSet(CharClass.Letter)) { TakesSpace = true },
            new RunSplitter(new RuneSet(CharClass.Punctuation)) { TakesSpace = true },
            new RunSplitter(new RuneSet(CharClass.None, DeepSeekEastAsian)),
            new RunSplitter(new RuneSet(CharClass.Number)) { Longest = 1 }),
        "deepseek-v3" or "hunyuan-dense" => PreTokenizer.Sequence(
            new RunSplitter(new RuneSet(CharClass.Number)) { Longest = 3 },
            new RunSplitter(new RuneSet(CharClass.None, "\u4E00\u9FA5\u3040\u309F\u30A0\u30FF")),
            new RegexSplitter(DeepSeek3WordPattern)),
        _ => null,
    };

    /// <summary>The scanner of a pattern that is known, the pattern itself otherwise.</summary>
    public static PreTokenizer ByPattern(string pattern) => pattern switch
    {
        Gpt2Pattern => Gpt2(),
        Llama3Pattern => Llama3(3),
        Qwen2Pattern => Llama3(1),
        TekkenPattern => Cased(WordScanner.Contraction.None, 1),
        Gpt4oPattern => Cased(WordScanner.Contraction.AfterWord, 3),
        _ => new RegexSplitter(pattern),
    };

    /// <summary>GPT-2's own, also tokenizer.json's <c>ByteLevel</c> with <c>use_regex</c>.</summary>
    public static WordScanner Gpt2() => new() { Contractions = WordScanner.Contraction.Exact, NumberTakesSpace = true };

    /// <summary>Runs of punctuation: ASCII's in the wide sense, <c>\p{P}</c> beyond.</summary>
    public static RunSplitter PunctuationRuns(int longest = int.MaxValue) =>
        new(new RuneSet(CharClass.Punctuation, "$$++<>^^``||~~")) { Longest = longest };

    private static RunSplitter ThreeDigits() => new(new RuneSet(CharClass.None, "09")) { Shortest = 3, Longest = 3 };

    private static RunSplitter LineBreaks() => new(new RuneSet(CharClass.None, "\r\r\n\n")) { Longest = 1 };

    /// <summary>GPT-2's after every number character was made a piece of its own.</summary>
    private static WordScanner IsolatedNumbers() =>
        new() { Contractions = WordScanner.Contraction.Exact, LongestNumber = 1, NumberEndsFragment = true };

    private static WordScanner Llama3(int longestNumber) => new()
    {
        Contractions = WordScanner.Contraction.AnyCase,
        AnyWordPrefix = true,
        LongestNumber = longestNumber,
        OtherSuffix = "\r\n",
        BreaksEndSpace = true,
    };

    private static WordScanner Cased(WordScanner.Contraction contractions, int longestNumber) => new()
    {
        Contractions = contractions,
        AnyWordPrefix = true,
        CasedWords = true,
        LongestNumber = longestNumber,
        OtherSuffix = "\r\n/",
        BreaksEndSpace = true,
    };
}
