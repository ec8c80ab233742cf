using System.Text.Json;
using Kvasir.Formats;

namespace Kvasir.Tokenization;

/// <summary>The tokenizer that a Hugging Face tokenizer.json describes.</summary>
internal static class JsonTokenizer
{
    /// <summary>Builds it; the metadata of <paramref name="file"/> may name the ids that begin and end a text.</summary>
    /// <exception cref="InvalidInputException">The file is damaged, of an unknown kind, or contradicts itself.</exception>
    public static Tokenizer Load(string path, ModelFile file)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(stream);
            return Load(new JsonFields(document.RootElement, path), file);
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw DamagedFile.Error(path, $"not a readable tokenizer.json: {problem.Message}", problem);
        }
        catch (InvalidInputException problem) when (!problem.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new InvalidInputException($"{path}: {problem.Message}", problem);
        }
    }

    private static Tokenizer Load(JsonFields root, ModelFile file)
    {
        JsonFields model = root.Object("model");
        string type = model.Text("type", model.Has("merges") ? "BPE" : "");
        return type switch
        {
            "BPE" => Bpe(root, model, file),
            "WordPiece" => WordPiece(root, model, file),
            _ => throw model.Unsupported($"tokenizer model '{type}'"),
        };
    }

    private static BpeTokenizer Bpe(JsonFields root, JsonFields model, ModelFile file)
    {
        foreach (string affix in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (model.Text(affix, "").Length > 0) throw model.Unsupported($"{affix} '{model.Text(affix)}'");
        }
        bool hasNormalizer = root.Has("normalizer");
        bool hasPreTokenizer = root.Has("pre_tokenizer");
        bool byteLevel = hasPreTokenizer && JsonPreTokenizers.Contains(root.Object("pre_tokenizer"), "ByteLevel");
        bool spacesMarked = !byteLevel && hasNormalizer && JsonNormalizers.MarksSpaces(root.Object("normalizer"));
        var steps = new List<TextNormalizer.Step>();
        var stretchSteps = new List<TextNormalizer.Step>();
        var stages = new List<PreTokenizer>();
        SpacePrefix spacePrefix = SpacePrefix.None;
        if (hasNormalizer)
        {
            steps.AddRange(JsonNormalizers.Steps(root.Object("normalizer"), marksAreSpaces: !byteLevel));
            spacePrefix = !byteLevel && JsonNormalizers.PrependsSpace(root.Object("normalizer")) ? SpacePrefix.Every : SpacePrefix.None;
        }
        if (!byteLevel) steps.Insert(0, TextNormalizer.Replace(TokenSpellings.SpaceMark.ToString(), " "));
        if (hasPreTokenizer)
        {
            JsonPreTokenizers.Read(root.Object("pre_tokenizer"), spacesMarked, stretchSteps, stages);
            // Nothing follows that would have to see bytes.
            if (stages is [.., var last] && last == PreTokenizer.ToBytes) stages.RemoveAt(stages.Count - 1);
            spacePrefix = (SpacePrefix)Math.Max((int)spacePrefix, (int)JsonPreTokenizers.PrefixOf(root.Object("pre_tokenizer")));
        }
        var entries = new JsonVocabulary(root, model);
        TokenSpelling spelling = byteLevel ? TokenSpelling.ByteLevel : TokenSpelling.SentencePiece;
        var vocabulary = new Vocabulary(entries.Texts, entries.Kinds, spelling, entries.Literal, entries.Made);
        TokenizerSettings settings = JsonSpecialTokens.Settings(root, entries, file) with
        {
            SpacePrefix = spacePrefix,
            SpacesMarked = spacesMarked,
            Normalizer = new TextNormalizer([.. steps]),
            StretchNormalizer = new TextNormalizer([.. stretchSteps]),
        };
        (string[] texts, int[] borders) = MergeTexts(model);
        MergeTable merges = Merges.FromList(vocabulary, texts, borders, spelling, model.Place, out int[] pairs);
        string rules = Rules(root, model);
        string Identity() => TokenizerIdentity.Of(vocabulary, settings, rules, MemoryMarshal.AsBytes<int>(pairs));
        bool wholePieces = model.Flag("ignore_merges", false), fusesUnknown = model.Flag("fuse_unk", false);
        PreTokenizer? pieces = byteLevel || stages.Count > 0 ? PreTokenizer.Sequence([.. stages]) : null;
        var none = new Dictionary<int, int>();
        if (!byteLevel) return SentencePieceBpe.Create(vocabulary, settings, merges, none, pieces, Identity, wholePieces, fusesUnknown);
        var bpe = new BpeModel(vocabulary, merges)
        {
            WholePieces = wholePieces,
            Unknown = entries.Unknown,
            FusesUnknown = fusesUnknown,
            ByteAlphabet = stages.Contains(PreTokenizer.ToBytes),
        };
        return new BpeTokenizer(vocabulary, settings, bpe, pieces!, Identity);
    }

    private static WordPieceTokenizer WordPiece(JsonFields root, JsonFields model, ModelFile file)
    {
        if (model.Text("continuing_subword_prefix", "##") != "##")
            throw model.Unsupported($"continuing_subword_prefix '{model.Text("continuing_subword_prefix")}'");
        IEnumerable<TextNormalizer.Step> steps = root.Has("normalizer")
            ? JsonNormalizers.Steps(root.Object("normalizer"), marksAreSpaces: false) : [];
        var stages = new List<PreTokenizer>();
        var stretchSteps = new List<TextNormalizer.Step>();
        JsonPreTokenizers.Read(root.Object("pre_tokenizer"), spacesMarked: false, stretchSteps, stages);
        var entries = new JsonVocabulary(root, model);
        if (entries.Unknown < 0) throw model.Wrong("unk_token");
        var vocabulary = new Vocabulary(entries.Texts, entries.Kinds, TokenSpelling.WordPieceHashed, entries.Literal,
            entries.Made.Where(id => entries.Kinds[id] == TokenKind.UserDefined).ToHashSet());
        TokenizerSettings settings = JsonSpecialTokens.Settings(root, entries, file) with
        {
            Normalizer = new TextNormalizer([.. steps]),
            StretchNormalizer = new TextNormalizer([.. stretchSteps]),
        };
        string rules = Rules(root, model);
        int longestWord = model.Integer("max_input_chars_per_word", WordPieceTokenizer.DefaultLongestWord);
        return new WordPieceTokenizer(vocabulary, settings, PreTokenizer.Sequence([.. stages]),
            () => TokenizerIdentity.Of(vocabulary, settings, rules, default), longestWord);
    }

    /// <summary>The merges, a character between their parts, and where that stands.</summary>
    private static (string[] Texts, int[] Borders) MergeTexts(JsonFields model)
    {
        JsonElement[] merges = model.Items("merges");
        string[] texts = new string[merges.Length];
        int[] borders = new int[merges.Length];
        for (int rank = 0; rank < merges.Length; rank++)
        {
            JsonElement merge = merges[rank];
            if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2)
            {
                string left = merge[0].GetString() ?? "";
                (texts[rank], borders[rank]) = (left + ' ' + merge[1].GetString(), left.Length);
                continue;
            }
            string text = merge.ValueKind == JsonValueKind.String ? merge.GetString()! : "";
            (texts[rank], borders[rank]) = (text, text.IndexOf(' ', StringComparison.Ordinal));
            if (borders[rank] < 0 || text.LastIndexOf(' ') != borders[rank])
                throw new InvalidInputException($"{model.Place}.merges[{rank}] is not two parts");
        }
        return (texts, borders);
    }

    /// <summary>What decides about ids besides vocabulary and merges, as the file writes it.</summary>
    private static string Rules(JsonFields root, JsonFields model) => string.Join(
        '\n',
        Raw(root, "normalizer"),
        Raw(root, "pre_tokenizer"),
        $"{model.Text("type", "BPE")} {model.Flag("byte_fallback", false)} {model.Flag("ignore_merges", false)}"
            + (model.Flag("fuse_unk", false) && !model.Flag("byte_fallback", false) ? " fuses" : ""));

    private static string Raw(JsonFields root, string name) => root.Has(name) ? root.Object(name).Raw : "null";
}
