namespace Kvasir.Tokenization;

/// <summary>Turns token ids, one after another, into text that never cuts a character: bytes of an unfinished UTF-8 sequence wait for the next token.</summary>
public sealed class TextStream
{
    /// <summary>A stream over <paramref name="tokenizer"/>'s ids.</summary>
    public TextStream(Tokenizer tokenizer, bool skipSpecial = true) => throw new NotImplementedException();

    /// <summary>The text that this id completes; may be empty.</summary>
    public string Add(int id) => throw new NotImplementedException();

    /// <summary>What is left, ill-formed parts as U+FFFD.</summary>
    public string Finish() => throw new NotImplementedException();
}
