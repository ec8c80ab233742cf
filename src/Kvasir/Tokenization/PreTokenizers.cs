namespace Kvasir.Tokenization;

/// <summary>The pre-tokenizers that model files name (GGUF's <c>tokenizer.ggml.pre</c>) or spell out as a pattern (tokenizer.json).</summary>
internal static class PreTokenizers
{
    /// <summary>GPT-2.</summary>
    public const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Llama 3.</summary>
    public const string Llama3Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Qwen 2.</summary>
    public const string Qwen2Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Mistral's Tekken.</summary>
    public const string TekkenPattern = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>GPT-4o (o200k).</summary>
    public const string Gpt4oPattern = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The last of DeepSeek V3's three patterns.</summary>
    public const string DeepSeek3WordPattern = @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>First and last characters of DeepSeek LLM's letter ranges: the scripts that have case.</summary>
    internal const string DeepSeekLetters =
        "AZazµµÀÖØöøƺƼƿǄʓʕʯͰͳͶͷͻͽͿͿΆΆΈΊΌΌΎΡΣϵϷҁҊԯԱՖႠჅᎠᏵᏸᏽᲐᲺᲽᲿᴀᴫᵫᵷᵹᶚḀἕἘἝἠὅὈὍὐὗὙὙὛὛὝὝὟώᾀᾴᾶᾼιιῂῄῆῌῐΐῖΊῠῬῲῴῶῼ"
        + "ℂℂℇℇℊℓℕℕℙℝℤℤ\u2126\u2126ℨℨ\u212AℭℯℴℹℹℼℿⅅⅉⅎⅎↃↄⰀⱻⱾⳤⳫⳮⳲⳳꙀꙭꚀꚛꜢꝯꝱꞇꞋꞎꭰꮿﬀﬆﬓﬗＡＺａｚ"
        + "\U00010400\U0001044F\U000104B0\U000104D3\U000104D8\U000104FB\U00010C80\U00010CB2\U00010CC0\U00010CF2\U000118A0\U000118DF\U0001E900\U0001E943";

    internal const string DeepSeekPunctuation = "!/:~\uFF01\uFF0F\uFF1A\uFF5E\u2018\u201F\u3000\u3002";

    internal const string DeepSeekEastAsian = "\u4E00\u9FA5\u0800\u4E00\uAC00\uD7FF";

    /// <summary>The pre-tokenizer of GGUF's name, or null where the name is unknown.</summary>
    public static PreTokenizer? ByName(string name) => name switch
    {
        "gpt-2" or "phi-2" => Gpt2(),
        "smollm" or "starcoder" or "refact" or "command-r" => IsolatedNumbers(),
        "llama-bpe" or "llama3" or "llama-v3" => Llama3(3),
        "qwen2" or "deepseek-r1-qwen" => Llama3(1),
        "tekken" => Cased(WordScanner.Contraction.None, 1),
        "gpt-4o" or "llama4" => Cased(WordScanner.Contraction.AfterWord, 3),
        "falcon" => PreTokenizer.Sequence(PunctuationRuns(), Gpt2(), new RunSplitter(new RuneSet(CharClass.None, "09")) { Shortest = 3, Longest = 3 }),
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
        "deepseek-v3" => PreTokenizer.Sequence(
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
    public static RunSplitter PunctuationRuns(int longest = int.MaxValue) => new(new RuneSet(CharClass.Punctuation, "$$++<>^^``||~~")) { Longest = longest };

    private static RunSplitter LineBreaks() => new(new RuneSet(CharClass.None, "\r\r\n\n")) { Longest = 1 };

    /// <summary>GPT-2's after every number character was made a piece of its own.</summary>
    private static WordScanner IsolatedNumbers() => new() { Contractions = WordScanner.Contraction.Exact, LongestNumber = 1, NumberEndsFragment = true };

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
