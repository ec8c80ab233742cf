namespace Kvasir.Tokenization;

/// <summary>
/// Turns token ids, one after another, into text that never cuts a character: bytes of unfinished UTF-8 wait for the next token.
/// Ill-formed bytes become U+FFFD, one for each maximal subpart. For one thread.
/// </summary>
public sealed class TextStream
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecial;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    /// <summary>A stream over ids that are taken to go on from earlier text: a leading space is kept.</summary>
    /// <param name="tokenizer">Whose ids they are.</param>
    /// <param name="skipSpecial">Leave the text of special tokens out.</param>
    public TextStream(Tokenizer tokenizer, bool skipSpecial = true)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        _tokenizer = tokenizer;
        _skipSpecial = skipSpecial;
    }

    /// <summary>The text that this id completes; may be empty.</summary>
    /// <exception cref="InvalidInputException">The id is not in the vocabulary.</exception>
    public string Add(int id) => _skipSpecial && _tokenizer.IsSpecial(id) ? "" : Decode(_tokenizer.Bytes(id), flush: false);

    /// <summary>What is left, ill-formed parts as U+FFFD.</summary>
    public string Finish() => Decode(default, flush: true);

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        int capacity = Encoding.UTF8.GetMaxCharCount(bytes.Length);
        Span<char> text = capacity <= 256 ? stackalloc char[256] : new char[capacity];
        return new string(text[.._decoder.GetChars(bytes, text, flush)]);
    }
}
