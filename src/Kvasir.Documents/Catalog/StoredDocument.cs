using System.Security.Cryptography;
using Kvasir.Documents.Chunking;

namespace Kvasir.Documents.Catalog;

/// <summary>A document in the catalog. Immutable: a changed document is a new one.</summary>
/// <param name="Number">Its number in the catalog.</param>
/// <param name="Id">Its id within the file, or null where the file is the document.</param>
/// <param name="Title">Its title.</param>
/// <param name="ContentHash">SHA-256 of title and text.</param>
/// <param name="ChunkTokens">The limit that its chunks were cut to.</param>
/// <param name="Parts">Chunks.</param>
internal sealed record StoredDocument(long Number, string? Id, string Title, byte[] ContentHash, int ChunkTokens, int Parts)
{
    /// <summary>Whether it is the document of an id within its file, of this content, cut to this limit.</summary>
    public bool Is(string? id, ReadOnlySpan<byte> contentHash, int chunkTokens) =>
        Id == id && ChunkTokens == chunkTokens && contentHash.SequenceEqual(ContentHash);
}

/// <summary>A chunk in the catalog.</summary>
/// <param name="TextId">The number of its text, which other chunks may share.</param>
/// <param name="Start">First character in the document's text.</param>
/// <param name="Length">Characters.</param>
/// <param name="Tokens">Tokens as it stands in the prompt, by the tokenizer it was cut with.</param>
/// <param name="Text">The text.</param>
internal sealed record StoredChunk(long TextId, int Start, int Length, int Tokens, string Text)
{
    /// <summary>The name of its KV. Equal chunks share one.</summary>
    public string KvName { get; } = KvNameOf(Text);

    /// <summary>The name of the KV of a chunk of this text: SHA-256 (hex) of its prompt text.</summary>
    public static string KvNameOf(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Chunker.PromptText(text))));
}

/// <summary>A place where a text stands: a chunk, its document and its file.</summary>
internal sealed record TextPlace(string File, StoredDocument Document, int Part, StoredChunk Chunk);
