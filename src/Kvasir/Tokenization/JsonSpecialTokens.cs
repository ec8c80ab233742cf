using System.Text.Json;
using Kvasir.Formats;

namespace Kvasir.Tokenization;

/// <summary>The parts that ids play, from tokenizer.json's <c>post_processor</c>, the model's metadata and tokenizer_config.json.</summary>
internal static class JsonSpecialTokens
{
    /// <summary>Collects them.</summary>
    /// <exception cref="InvalidInputException">An id is not in the vocabulary, or the post-processor is of an unknown kind.</exception>
    public static TokenizerSettings Settings(JsonFields root, JsonVocabulary vocabulary, ModelFile file)
    {
        var prefix = new List<int>();
        var suffix = new List<int>();
        if (root.Has("post_processor")) Read(root.Object("post_processor"), prefix, suffix);
        foreach (int id in prefix.Concat(suffix)) Check(id, vocabulary, root.Place);
        (string? begin, string? end) = Configured(Path.Combine(Path.GetDirectoryName(root.Place) ?? "", "tokenizer_config.json"));
        long[] ends = file.Get<long[]>("tokenizer.ggml.eos_token_ids", []);
        return new TokenizerSettings
        {
            BeginOfText = Id(file, "bos", begin, vocabulary, prefix.Count > 0 ? prefix[0] : -1),
            EndOfText = Id(file, "eos", end, vocabulary, suffix.Count > 0 ? suffix[^1] : -1),
            Unknown = vocabulary.Unknown,
            Prefix = [.. prefix],
            Suffix = [.. suffix],
            EndOfGeneration = [.. ends.Select(id => Check(id, vocabulary, file.Path)), Id(file, "eos", null, vocabulary, -1)],
            Borders = vocabulary.Borders,
            Normalized = vocabulary.Normalized,
        };
    }

    private static void Read(JsonFields processor, List<int> prefix, List<int> suffix)
    {
        foreach (JsonFields part in processor.Type == "Sequence" ? processor.Objects("processors") : []) Read(part, prefix, suffix);
        if (processor.Type == "TemplateProcessing") Template(processor, prefix, suffix);
        else if (processor.Type is "BertProcessing" or "RobertaProcessing")
        {
            prefix.Add(PairId(processor, "cls"));
            suffix.Add(PairId(processor, "sep"));
        }
        else if (processor.Type is not ("Sequence" or "ByteLevel"))
        {
            throw processor.Unsupported($"post-processor '{processor.Type}'");
        }
    }

    private static void Template(JsonFields processor, List<int> prefix, List<int> suffix)
    {
        bool after = false;
        foreach (JsonFields piece in processor.Objects("single"))
        {
            if (piece.Has("Sequence"))
            {
                after = true;
                continue;
            }
            JsonFields token = processor.Object("special_tokens").Object(piece.Object("SpecialToken").Text("id"));
            foreach (JsonElement id in token.Items("ids"))
                (after ? suffix : prefix).Add(id.TryGetInt32(out int value) ? value : throw token.Wrong("ids"));
        }
    }

    private static int PairId(JsonFields processor, string name) =>
        processor.Items(name) is [_, { ValueKind: JsonValueKind.Number } id] && id.TryGetInt32(out int value)
            ? value : throw processor.Wrong(name);

    /// <summary>The id of tokenizer_config.json's text, else the one that metadata gives, else <paramref name="fallback"/>.</summary>
    private static int Id(ModelFile file, string name, string? configured, JsonVocabulary vocabulary, int fallback)
    {
        string key = $"tokenizer.ggml.{name}_token_id";
        return configured is not null && vocabulary.Find(configured) is var id and >= 0 ? id
            : file.Metadata.ContainsKey(key) ? Check(file.Require<long>(key), vocabulary, file.Path)
            : fallback;
    }

    private static int Check(long id, JsonVocabulary vocabulary, string place) =>
        id >= 0 && id < vocabulary.Texts.Length ? (int)id : throw new InvalidInputException(
            $"{place}: special token id {id} is not in the vocabulary (0 to {vocabulary.Texts.Length - 1})");

    /// <summary>The texts of BOS and EOS in tokenizer_config.json, where it is there and has them.</summary>
    private static (string? Begin, string? End) Configured(string path)
    {
        if (!File.Exists(path)) return (null, null);
        HfJson config = HfJson.Read(path);
        return (Token(config, "bos_token"), Token(config, "eos_token"));
    }

    /// <summary>A token's text, given as such or as an object with its properties.</summary>
    private static string? Token(HfJson config, string name) =>
        config.IsText(name) ? config.Text(name) : config.Object(name)?.Text("content");
}
