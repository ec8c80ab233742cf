namespace Kvasir.Documents.Reading.Pdf;

// A PDF value is null, bool, double (any number), byte[] (a string), List<object?> (an array), or one of these.

/// <summary>A name, without its slash.</summary>
internal sealed record PdfName(string Text);

/// <summary>A reference to an indirect object.</summary>
internal sealed record PdfReference(int Number);

/// <summary>A keyword: an operator of a content stream, or of the file's structure.</summary>
internal sealed record PdfKeyword(string Text);

/// <summary>A dictionary; its values may be references.</summary>
internal sealed class PdfDictionary
{
    private readonly Dictionary<string, object?> _entries = new(StringComparer.Ordinal);

    public object? this[string key]
    {
        get => _entries.GetValueOrDefault(key);
        set => _entries[key] = value;
    }

    public IEnumerable<string> Keys => _entries.Keys;
}

/// <summary>A stream: its dictionary, and its bytes as they stand in the file.</summary>
internal sealed record PdfStream(PdfDictionary Dictionary, ReadOnlyMemory<byte> Raw);
