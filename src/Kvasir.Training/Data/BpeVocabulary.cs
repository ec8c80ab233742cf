using Kvasir.Formats;
using Kvasir.Tokenization;

namespace Kvasir.Training.Data;

/// <summary>A byte-level BPE vocabulary: special tokens, the 256 bytes, and what merges make of them, in GPT-2's alphabet.</summary>
internal sealed class BpeVocabulary(IReadOnlyList<string> specials, string[] tokens, string[] merges)
{
    /// <summary>The token between texts.</summary>
    public const string EndOfText = "<|endoftext|>";

    /// <summary>Words with the blank before them, each digit by itself; other engines know it by this name too.</summary>
    private const string PreTokenizerName = "smollm";

    public static PreTokenizer PreTokenizer { get; } = PreTokenizers.ByName(PreTokenizerName)!;

    /// <summary>The bytes as tokens.</summary>
    public static IReadOnlyList<string> Bytes { get; } =
        [.. Enumerable.Range(0, 256).Select(value => TokenSpellings.ByteLevel((byte)value).ToString())];

    public IReadOnlyList<string> Tokens => tokens;

    public IReadOnlyList<string> Merges => merges;

    /// <summary>What <see cref="AddTo"/> wrote.</summary>
    /// <exception cref="InvalidInputException">The file's vocabulary is of another kind.</exception>
    public static BpeVocabulary Read(ModelFile file)
    {
        if (file.Get("tokenizer.ggml.model", "") != "gpt2" || file.Get("tokenizer.ggml.pre", "") != PreTokenizerName)
            throw new InvalidInputException($"{file.Path}: its vocabulary is not one that was learned here");
        string[] tokens = file.Require<string[]>("tokenizer.ggml.tokens");
        long[] types = file.Require<long[]>("tokenizer.ggml.token_type");
        int specials = types.TakeWhile(type => type == (long)TokenKind.Control).Count();
        return new BpeVocabulary(tokens[..specials], tokens, file.Require<string[]>("tokenizer.ggml.merges"));
    }

    /// <summary>The tokenizer that a model's file with <see cref="AddTo"/>'s metadata has.</summary>
    public Tokenizer ToTokenizer()
    {
        TokenKind[] kinds = [.. Types().Select(type => (TokenKind)type)];
        var vocabulary = new Vocabulary(tokens, kinds, TokenSpelling.ByteLevel);
        var settings = new TokenizerSettings { BeginOfText = 0, EndOfText = 0 };
        MergeTable table = Tokenization.Merges.FromList(
            vocabulary, merges, [.. merges.Select(merge => merge.IndexOf(' ', StringComparison.Ordinal))], TokenSpelling.ByteLevel,
            "trained", out int[] pairs);
        return new BpeTokenizer(vocabulary, settings, new BpeModel(vocabulary, table), PreTokenizer,
            () => TokenizerIdentity.Of(vocabulary, settings, "gguf gpt2 " + PreTokenizerName, MemoryMarshal.AsBytes<int>(pairs)));
    }

    /// <summary>Adds it to the metadata of a model.</summary>
    public void AddTo(GgufWriter file)
    {
        file.Add("tokenizer.ggml.model", "gpt2");
        file.Add("tokenizer.ggml.pre", PreTokenizerName);
        file.Add("tokenizer.ggml.tokens", tokens);
        file.Add("tokenizer.ggml.token_type", Types());
        file.Add("tokenizer.ggml.merges", merges);
        file.Add("tokenizer.ggml.bos_token_id", 0u);
        file.Add("tokenizer.ggml.eos_token_id", 0u);
        file.Add("tokenizer.ggml.add_bos_token", false);
    }

    private int[] Types() => [.. tokens.Select((_, id) => (int)(id < specials.Count ? TokenKind.Control : TokenKind.Normal))];
}
