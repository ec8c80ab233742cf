using Kvasir.Documents.Catalog;

namespace Kvasir.Documents.Ingesting;

/// <summary>A file after reading: unchanged (no content), unreadable, or its documents cut into chunks.</summary>
internal sealed record PreparedFile(SourceFile Source)
{
    /// <summary>SHA-256 of the bytes that were read; null where the file was not read.</summary>
    public byte[]? Hash { get; init; }

    /// <summary>Its documents; null where the store has the same content.</summary>
    public IReadOnlyList<PreparedDocument>? Documents { get; init; }

    /// <summary>What of it is missing from its documents, and why.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Why it is no usable document; null where it is.</summary>
    public string? Unreadable { get; init; }
}

/// <summary>A document: as it is stored already, or its content.</summary>
internal sealed record PreparedDocument(StoredDocument? Stored, DocumentContent? Content);
