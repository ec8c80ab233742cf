using System.Security.Cryptography;
using System.Text;

namespace Kvasir.Documents.Reading;

/// <summary>Reads a file into documents by the kind that its name tells; an unknown kind is read as plain text.</summary>
internal static class DocumentReader
{
    /// <summary>Files beyond this are refused: their text, its chunks and their terms are held in memory while they are read.</summary>
    public const long LongestFile = 256L << 20;

    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Whether a file of this name is read when it is found in a folder.</summary>
    public static bool IsKnownKind(string name) => Kind(name) is not null;

    /// <summary>The bytes of a file.</summary>
    /// <exception cref="UnreadableDocumentException">Missing, not permitted or too large.</exception>
    public static byte[] Load(string path)
    {
        try
        {
            var info = new FileInfo(path);
            return info.Length > LongestFile
                ? throw new UnreadableDocumentException($"larger than {LongestFile >> 20} MiB; split it")
                : File.ReadAllBytes(path);
        }
        catch (UnauthorizedAccessException)
        {
            throw new UnreadableDocumentException("no permission to read it");
        }
        catch (IOException error)
        {
            throw new UnreadableDocumentException($"cannot be read ({error.Message})");
        }
    }

    /// <summary>The documents in a file's bytes.</summary>
    /// <exception cref="UnreadableDocumentException">Empty, binary, not UTF-8, or malformed.</exception>
    public static DocumentFile Parse(string path, byte[] bytes)
    {
        string text = Decode(bytes);
        string name = Path.GetFileNameWithoutExtension(path);
        IReadOnlyList<Document> documents = Kind(path) switch
        {
            "jsonl" => JsonLines.Parse(text),
            "md" => [MarkdownText.Parse(text, name)],
            "html" => [HtmlText.Parse(text, name)],
            _ => [new Document(null, name, text.TrimEnd())],
        };
        return documents.All(document => string.IsNullOrWhiteSpace(document.Text))
            ? throw new UnreadableDocumentException("it has no text")
            : new DocumentFile(SHA256.HashData(bytes), documents);
    }

    private static string Decode(byte[] bytes)
    {
        ReadOnlySpan<byte> content = bytes;
        if (content.StartsWith(Encoding.UTF8.Preamble))
        {
            content = content[Encoding.UTF8.Preamble.Length..];
        }

        if (content.IsEmpty)
        {
            throw new UnreadableDocumentException("the file is empty");
        }

        if (content.Contains((byte)0))
        {
            throw new UnreadableDocumentException("a binary file, not text");
        }

        try
        {
            return s_strict.GetString(content).ReplaceLineEndings("\n");
        }
        catch (DecoderFallbackException error)
        {
            throw new UnreadableDocumentException($"not UTF-8 text (byte {error.Index}); convert it to UTF-8");
        }
    }

    private static string? Kind(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".TXT" or ".TEXT" => "txt",
        ".MD" or ".MARKDOWN" => "md",
        ".HTML" or ".HTM" or ".XHTML" => "html",
        ".JSONL" or ".NDJSON" => "jsonl",
        _ => null,
    };
}
