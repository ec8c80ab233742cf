namespace Kvasir.Documents.Catalog;

/// <summary>
/// A document as it is put into a catalog, and exported; words and names of KV are derived from its texts where it is stored.
/// </summary>
/// <param name="Id">Its id within the file, or null.</param>
/// <param name="Title">Its title.</param>
/// <param name="ContentHash">SHA-256 of title and text.</param>
/// <param name="ChunkTokens">The limit that its chunks were cut to.</param>
/// <param name="Chunks">Its chunks in order.</param>
internal sealed record DocumentContent(string? Id, string Title, byte[] ContentHash, int ChunkTokens, ChunkContent[] Chunks)
{
    /// <summary>A stored document as it was put into the catalog.</summary>
    public static DocumentContent Of(StoredDocument document, IReadOnlyList<StoredChunk> chunks) =>
        new(document.Id, document.Title, document.ContentHash, document.ChunkTokens,
            [.. chunks.Select(chunk => new ChunkContent(chunk.Start, chunk.Length, chunk.Tokens, chunk.Text))]);
}

/// <summary>A chunk: characters [Start, Start + Length) of the document's text, its tokens in the prompt, and the text.</summary>
internal sealed record ChunkContent(int Start, int Length, int Tokens, string Text);
