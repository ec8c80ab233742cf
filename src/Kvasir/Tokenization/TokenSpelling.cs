using System.Buffers;

namespace Kvasir.Tokenization;

/// <summary>How the text of a vocabulary entry spells the bytes that the token stands for.</summary>
internal enum TokenSpelling
{
    /// <summary>GPT-2's alphabet: every byte is one printable character.</summary>
    ByteLevel,

    /// <summary>U+2581 is a space, <c>&lt;0xNN&gt;</c> a byte.</summary>
    SentencePiece,

    /// <summary>U+2581 begins a word (GGUF).</summary>
    WordPieceMarked,

    /// <summary><c>##</c> continues a word (tokenizer.json).</summary>
    WordPieceHashed,
}

/// <summary>Decodes the spelling of vocabulary entries.</summary>
internal static class TokenSpellings
{
    /// <summary>U+2581, which SentencePiece writes for a space.</summary>
    public const char SpaceMark = '\u2581';

    private static readonly short[] s_byteOf = ByteOfCharacter();
    private static readonly char[] s_characterOf =
        [.. Enumerable.Range(0, 256).Select(value => (char)Array.IndexOf(s_byteOf, (short)value))];

    /// <summary>Appends to <paramref name="output"/> the bytes of <paramref name="text"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // a vocabulary is read by code that runs once, and is compiled in its loop
    public static void Decode(ReadOnlySpan<char> text, TokenKind kind, TokenSpelling spelling, ArrayBufferWriter<byte> output)
    {
        bool ordinary = kind is not (TokenKind.Control or TokenKind.Unknown);
        if (spelling != TokenSpelling.ByteLevel || !ordinary || kind == TokenKind.UserDefined || !TryDecodeByteLevel(text, output))
            DecodeText(text, kind, ordinary, spelling, output);
    }

    private static void DecodeText(
        ReadOnlySpan<char> text, TokenKind kind, bool ordinary, TokenSpelling spelling, ArrayBufferWriter<byte> output)
    {
        switch (spelling)
        {
            case TokenSpelling.SentencePiece when kind == TokenKind.Byte && TryByte(text, out byte value):
                output.Write([value]);
                return;
            case TokenSpelling.SentencePiece when ordinary:
            case TokenSpelling.WordPieceMarked when ordinary:
                text = text.ToString().Replace(SpaceMark, ' ');
                break;
            case TokenSpelling.WordPieceHashed when ordinary:
                text = text is ['#', '#', _, ..] ? text[2..] : string.Concat(" ", text);
                break;
        }
        output.Advance(Encoding.UTF8.GetBytes(text, output.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length))));
    }

    /// <summary>The byte that <c>&lt;0xNN&gt;</c> names.</summary>
    public static bool TryByte(ReadOnlySpan<char> text, out byte value)
    {
        value = 0;
        return text is ['<', '0', 'x', _, _, '>']
            && byte.TryParse(text[3..5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>Bytes of a text in GPT-2's alphabet; false, with nothing written, where a character is not of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryDecodeByteLevel(ReadOnlySpan<char> text, ArrayBufferWriter<byte> output)
    {
        Span<byte> target = output.GetSpan(text.Length + 1);
        for (int i = 0; i < text.Length; i++)
        {
            int value = text[i] < s_byteOf.Length ? s_byteOf[text[i]] : -1;
            if (value < 0) return false;
            target[i] = (byte)value;
        }
        output.Advance(text.Length);
        return true;
    }

    /// <summary>A text's UTF-8 in GPT-2's alphabet.</summary>
    public static char[] ByteLevel(ReadOnlySpan<char> text)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        return Array.ConvertAll(bytes, value => s_characterOf[value]);
    }

    /// <summary>A byte in GPT-2's alphabet.</summary>
    public static char ByteLevel(byte value) => s_characterOf[value];

    /// <summary>The bytes of a text in GPT-2's alphabet; how many.</summary>
    public static int FromByteLevel(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        for (int i = 0; i < text.Length; i++) bytes[i] = (byte)s_byteOf[text[i]];
        return text.Length;
    }

    /// <summary>The printable bytes stand for themselves; the other 68, in order, are written U+0100 onwards.</summary>
    private static short[] ByteOfCharacter()
    {
        short[] map = new short[0x144];
        Array.Fill(map, (short)-1);
        int next = 0x100;
        for (short value = 0; value < 256; value++)
        {
            bool printable = value is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            map[printable ? value : next++] = value;
        }
        return map;
    }
}
