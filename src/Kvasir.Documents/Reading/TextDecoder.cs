using System.Text;

namespace Kvasir.Documents.Reading;

/// <summary>The text of a text file: UTF-8, or UTF-16 where a byte order mark says so. Line breaks become "\n".</summary>
internal static class TextDecoder
{
    private static readonly (Encoding Encoding, string Name)[] s_encodings =
    [
        (new UTF8Encoding(true, throwOnInvalidBytes: true), "UTF-8"),
        (new UnicodeEncoding(bigEndian: false, byteOrderMark: true, throwOnInvalidBytes: true), "UTF-16"),
        (new UnicodeEncoding(bigEndian: true, byteOrderMark: true, throwOnInvalidBytes: true), "UTF-16"),
    ];

    /// <exception cref="UnreadableDocumentException">Empty, binary, or not in the encoding.</exception>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        (Encoding encoding, string name) = s_encodings[0];
        int mark = 0;
        foreach ((Encoding other, string otherName) in s_encodings)
        {
            if (bytes.StartsWith(other.Preamble))
            {
                (encoding, name, mark) = (other, otherName, other.Preamble.Length);
            }
        }

        ReadOnlySpan<byte> content = bytes[mark..];
        if (content.IsEmpty)
        {
            throw new UnreadableDocumentException("the file is empty");
        }

        if (encoding is UTF8Encoding && content.Contains((byte)0))
        {
            throw new UnreadableDocumentException("a binary file, not text");
        }

        try
        {
            string text = encoding.GetString(content);
            return text.Contains('\0') ? throw new UnreadableDocumentException("a binary file, not text") : text.ReplaceLineEndings("\n");
        }
        catch (DecoderFallbackException error)
        {
            throw new UnreadableDocumentException($"not {name} text (byte {error.Index}); convert it to UTF-8");
        }
    }
}
