using Kvasir.Cache;
using Kvasir.Tokenization;

namespace Kvasir.Generation;

/// <summary>The bytes of a prompt and the token that each belongs to, for finding texts in it.</summary>
internal sealed class TokenBytes
{
    private readonly Tokenizer _tokenizer;
    private readonly byte[] _bytes;
    private readonly int[] _ends;

    public TokenBytes(Tokenizer tokenizer, ReadOnlySpan<int> ids)
    {
        _tokenizer = tokenizer;
        using var bytes = new MemoryStream();
        _ends = new int[ids.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            // Rows of embeddings, whose ids are below 0, have no text.
            if (ids[i] >= 0) bytes.Write(tokenizer.Bytes(ids[i]));
            _ends[i] = (int)bytes.Length;
        }
        _bytes = bytes.ToArray();
    }

    /// <summary>The tokens that hold some of each occurrence of a text, as the tokenizer writes it; none where it does not occur.</summary>
    public IEnumerable<TokenSpan> Find(string text)
    {
        byte[] wanted = Encoding.UTF8.GetBytes(_tokenizer.Decode(_tokenizer.Encode(text, parseSpecial: false)));
        if (wanted.Length == 0) yield break;
        for (int end = 0; _bytes.AsSpan(end).IndexOf(wanted) is >= 0 and int found;)
        {
            int first = end + found;
            end = first + wanted.Length;
            yield return Tokens(first, end);
        }
    }

    /// <summary>The prompt's text.</summary>
    public string Text => Encoding.UTF8.GetString(_bytes);

    /// <summary>The tokens that hold characters [first, end) of the text, which must be valid.</summary>
    public TokenSpan Span(int first, int end)
    {
        string text = Text;
        int before = Encoding.UTF8.GetByteCount(text.AsSpan(0, first));
        return Tokens(before, before + Encoding.UTF8.GetByteCount(text.AsSpan(first, end - first)));
    }

    /// <summary>The tokens that hold bytes [first, end).</summary>
    private TokenSpan Tokens(int first, int end) => new(Array.FindIndex(_ends, e => e > first), Array.FindIndex(_ends, e => e >= end) + 1);
}
