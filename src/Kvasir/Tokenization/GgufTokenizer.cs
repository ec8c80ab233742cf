using Kvasir.Formats;

namespace Kvasir.Tokenization;

/// <summary>The tokenizer that GGUF metadata (<c>tokenizer.ggml.*</c>) describes.</summary>
internal static class GgufTokenizer
{
    private const string Prefix = "tokenizer.ggml.";

    /// <summary>Builds it.</summary>
    /// <exception cref="InvalidInputException">Metadata is missing, of an unknown kind, or contradicts itself.</exception>
    public static Tokenizer Load(ModelFile file)
    {
        string model = file.Require<string>(Prefix + "model");
        return model switch
        {
            "gpt2" => ByteLevel(file),
            "llama" => SentencePiece(file),
            "bert" => WordPiece(file),
            _ => throw new InvalidInputException($"{file.Path}: tokenizer '{model}' is not supported (gpt2, llama and bert are)"),
        };
    }

    private static BpeTokenizer ByteLevel(ModelFile file)
    {
        string pre = file.Get(Prefix + "pre", "default"); // as llama.cpp reads files from before there were names
        PreTokenizer preTokenizer = PreTokenizers.ByName(pre)
            ?? throw new InvalidInputException($"{file.Path}: pre-tokenizer '{pre}' is not supported");
        Vocabulary vocabulary = Vocabulary(file, TokenSpelling.ByteLevel);
        bool wholePieces = PreTokenizers.TakesWholePieces(pre);
        TokenizerSettings settings = Settings(file, vocabulary, addsBegin: wholePieces) with
        {
            Unknown = -1,
            // Qwen's authors compose text first; its name implies it.
            Normalizer = pre == "qwen2" ? new TextNormalizer(TextNormalizer.Nfc) : null,
        };
        string[] merges = file.Require<string[]>(Prefix + "merges");
        int[] borders = new int[merges.Length];
        for (int rank = 0; rank < merges.Length; rank++) borders[rank] = Border(file, merges[rank], rank);
        MergeTable table = Merges.FromList(vocabulary, merges, borders, TokenSpelling.ByteLevel, file.Path, out int[] pairs);
        return new BpeTokenizer(
            vocabulary,
            settings,
            new BpeModel(vocabulary, table) { WholePieces = wholePieces },
            preTokenizer,
            () => TokenizerIdentity.Of(vocabulary, settings, "gguf gpt2 " + pre, MemoryMarshal.AsBytes<int>(pairs)));
    }

    private static BpeTokenizer SentencePiece(ModelFile file)
    {
        Vocabulary vocabulary = Vocabulary(file, TokenSpelling.SentencePiece);
        bool addsPrefix = file.Get(Prefix + "add_space_prefix", true);
        TokenizerSettings settings = Settings(file, vocabulary, addsBegin: true) with
        {
            SpacePrefix = addsPrefix ? SpacePrefix.Every : SpacePrefix.None,
            Normalizer = SentencePieceBpe.Normalizer(addsPrefix),
            Borders = file.Get("general.architecture", "") == "phi3" ? Phi3Borders(vocabulary) : new Dictionary<int, TokenBorders>(),
        };
        double[] scores = file.Require<double[]>(Prefix + "scores");
        if (scores.Length != vocabulary.Count)
            throw new InvalidInputException($"{file.Path}: {Prefix}scores has {scores.Length} values for {vocabulary.Count} tokens");
        return SentencePieceBpe.Create(
            vocabulary,
            settings,
            Merges.FromScores(vocabulary, scores, file.Path, out Dictionary<int, int> tokenless),
            tokenless,
            null,
            () => TokenizerIdentity.Of(vocabulary, settings, "gguf llama", MemoryMarshal.AsBytes<double>(scores)));
    }

    /// <summary>Phi-3's special tokens take in the white space after them; its tokenizer.json says so, GGUF has no place for it.</summary>
    private static Dictionary<int, TokenBorders> Phi3Borders(Vocabulary vocabulary) => vocabulary.Named
        .Where(token => token.Key is not ("<unk>" or "<s>" or "<|endoftext|>"))
        .ToDictionary(token => token.Value, _ => TokenBorders.TakesSpaceAfter);

    private static WordPieceTokenizer WordPiece(ModelFile file)
    {
        Vocabulary vocabulary = Vocabulary(file, TokenSpelling.WordPieceMarked);
        int begin = Id(file, vocabulary, "cls_token_id", Id(file, vocabulary, "bos_token_id"));
        // GGUF's key is misspelled; files carry it so.
        int end = Id(file, vocabulary, "seperator_token_id", Id(file, vocabulary, "eos_token_id"));
        TokenizerSettings settings = Settings(file, vocabulary, addsBegin: true, addsEnd: true, begin, end);
        if (settings.Unknown < 0) throw new InvalidInputException($"{file.Path}: metadata '{Prefix}unknown_token_id' is missing");
        bool cased = HasUpperCase(vocabulary);
        string rules = cased ? "gguf bert cased" : "gguf bert uncased";
        TextNormalizer.Step[] steps = [.. BertText.Steps(clean: true, spaceIdeographs: true, stripAccents: !cased, lowercase: !cased)];
        settings = settings with { Normalizer = new TextNormalizer(steps) };
        return new WordPieceTokenizer(vocabulary, settings, BertText.PreTokenizer(),
            () => TokenizerIdentity.Of(vocabulary, settings, rules, default));
    }

    /// <summary>GGUF does not say whether text is to be lower-cased; a vocabulary without capitals does.</summary>
    private static bool HasUpperCase(Vocabulary vocabulary)
    {
        for (int id = 0; id < vocabulary.Count; id++)
        {
            ReadOnlySpan<byte> token = vocabulary.Bytes(id).TrimStart((byte)' ');
            if (vocabulary.Kinds[id] == TokenKind.Normal && token.Length > 0 && token[0] != '['
                && token.ContainsAnyInRange((byte)'A', (byte)'Z'))
                return true;
        }
        return false;
    }

    private static Vocabulary Vocabulary(ModelFile file, TokenSpelling spelling)
    {
        string[] texts = file.Require<string[]>(Prefix + "tokens");
        if (texts.Length == 0) throw new InvalidInputException($"{file.Path}: {Prefix}tokens is empty");
        var kinds = new TokenKind[texts.Length];
        long[]? types = file.Metadata.ContainsKey(Prefix + "token_type") ? file.Require<long[]>(Prefix + "token_type") : null;
        if (types is not null && types.Length != texts.Length)
            throw new InvalidInputException($"{file.Path}: {Prefix}token_type has {types.Length} values for {texts.Length} tokens");
        for (int id = 0; id < texts.Length; id++)
        {
            long type = types?[id] ?? (long)TokenKind.Normal;
            if (type is < 0 or > (long)TokenKind.Byte)
                throw new InvalidInputException($"{file.Path}: {Prefix}token_type {type} of token {id} is unknown");
            kinds[id] = (TokenKind)type;
        }
        for (int id = 0; id < texts.Length; id++)
        {
            // Converters give control tokens wrong types; then a prompt could not hold them, and a reply would not end at them.
            bool isControl = kinds[id] is TokenKind.Normal or TokenKind.Unused or TokenKind.Undefined
                ? ControlTexts.LooksLikeControl(texts[id])
                : kinds[id] == TokenKind.UserDefined && ControlTexts.EndsOfTurn.Contains(texts[id]);
            if (isControl || (texts[id] == ControlTexts.EndOfText && spelling == TokenSpelling.SentencePiece))
                kinds[id] = TokenKind.Control;
        }
        // A list of merges can make control tokens too, such as padding that is a word; in scores each token would be a merge.
        HashSet<int>? made = spelling != TokenSpelling.ByteLevel ? null
            : [.. Enumerable.Range(0, kinds.Length).Where(id => kinds[id] is TokenKind.Control or TokenKind.UserDefined)];
        return new Vocabulary(texts, kinds, spelling, made: made);
    }

    private static TokenizerSettings Settings(
        ModelFile file, Vocabulary vocabulary, bool addsBegin, bool addsEnd = false, int begin = -1, int end = -1)
    {
        begin = begin >= 0 ? begin : Id(file, vocabulary, "bos_token_id");
        end = end >= 0 ? end : Id(file, vocabulary, "eos_token_id");
        return new TokenizerSettings
        {
            BeginOfText = begin,
            EndOfText = end,
            Unknown = Id(file, vocabulary, "unknown_token_id"),
            Prefix = file.Get(Prefix + "add_bos_token", addsBegin) && begin >= 0 ? [begin] : [],
            Suffix = file.Get(Prefix + "add_eos_token", addsEnd) && end >= 0 ? [end] : [],
            EndOfGeneration = [Id(file, vocabulary, "eot_token_id"), Id(file, vocabulary, "eom_token_id")],
        };
    }

    private static int Id(ModelFile file, Vocabulary vocabulary, string name, int fallback = -1)
    {
        long id = file.Get(Prefix + name, (long)fallback);
        // Some converters write an absent id as 2^32 - 1.
        return id is -1 or uint.MaxValue ? -1
            : id >= 0 && id < vocabulary.Count ? (int)id
            : throw new InvalidInputException($"{file.Path}: {Prefix}{name} {id} is not in the vocabulary (0 to {vocabulary.Count - 1})");
    }

    /// <summary>Where a merge's left part ends: at the space before its right one.</summary>
    private static int Border(ModelFile file, string merge, int rank)
    {
        int space = merge.IndexOf(' ', Math.Min(1, merge.Length));
        return space > 0 && space < merge.Length - 1
            ? space
            : throw new InvalidInputException($"{file.Path}: merge {rank} ('{merge}') is not two parts");
    }
}
