using Kvasir.Formats;

namespace Kvasir.Tokenization;

/// <summary>Text to token ids and back. Immutable and safe to share between threads.</summary>
public abstract class Tokenizer
{
    /// <summary>Number of ids.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The id that begins a text (BOS, [CLS]), or -1.</summary>
    public abstract int BeginOfText { get; }

    /// <summary>The id that ends a text (EOS, [SEP]), or -1.</summary>
    public abstract int EndOfText { get; }

    /// <summary>Whether the model's file asks for <see cref="BeginOfText"/> before every text.</summary>
    public abstract bool AddsBeginOfText { get; }

    /// <summary>SHA-256 (hex) over vocabulary, merges and settings: the tokenizer identity of saved caches.</summary>
    public abstract string Identity { get; }

    /// <summary>The tokenizer of a model, from GGUF metadata or tokenizer.json.</summary>
    /// <exception cref="InvalidInputException">The file has none, or one of an unknown kind.</exception>
    public static Tokenizer Load(ModelFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return file.TokenizerJsonPath is { } path ? JsonTokenizer.Load(path, file) : GgufTokenizer.Load(file);
    }

    /// <summary>The ids of <paramref name="text"/>.</summary>
    /// <param name="text">Any UTF-16 text.</param>
    /// <param name="parseSpecial">Recognise the text of special tokens; otherwise it is plain text.</param>
    /// <param name="addSpecial">Add BOS/EOS/[CLS]/[SEP] as the model's file asks for.</param>
    public abstract int[] Encode(ReadOnlySpan<char> text, bool parseSpecial = true, bool addSpecial = false);

    /// <summary>The bytes that a token stands for; a special token's are its text.</summary>
    public abstract ReadOnlySpan<byte> Bytes(int id);

    /// <summary>Whether the id is a control token (its text is not shown).</summary>
    public abstract bool IsSpecial(int id);

    /// <summary>Whether generation ends at this id (EOS, end of turn).</summary>
    public abstract bool IsEndOfGeneration(int id);

    /// <summary>The id of the token with exactly this text, or -1.</summary>
    public abstract int Find(string token);

    /// <summary>
    /// The text of the ids; ill-formed UTF-8 becomes U+FFFD. Byte-exact where the ids came from <see cref="Encode"/> of a text that the
    /// vocabulary covers; the space that SentencePiece puts before a text is taken away again (<see cref="TextStream"/> keeps it).
    /// </summary>
    public abstract string Decode(ReadOnlySpan<int> ids, bool skipSpecial = false);
}
