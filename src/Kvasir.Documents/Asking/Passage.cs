using System.Diagnostics.CodeAnalysis;
using Kvasir.Documents.Catalog;
using Kvasir.Documents.Reading;

namespace Kvasir.Documents.Asking;

/// <summary>A chunk that was found for a question.</summary>
public sealed record Passage
{
    /// <summary>Full path of its file.</summary>
    public required string File { get; init; }

    /// <summary>The document's id within the file (JSON Lines), or null.</summary>
    public required string? DocumentId { get; init; }

    /// <summary>The document's title.</summary>
    public required string Title { get; init; }

    /// <summary>Index of the chunk in its document.</summary>
    public required int Chunk { get; init; }

    /// <summary>Chunks of its document.</summary>
    public int Parts { get; init; } = 1;

    /// <summary>The line of the file on which it begins, from 1; null where the text is not the file's lines.</summary>
    public int? Line { get; init; }

    /// <summary>Full paths of other files that hold the same text, but for white space.</summary>
    public IReadOnlyList<string> AlsoIn { get; init; } = [];

    /// <summary>What has become of the file since it was ingested; looked at where it is the source of an answer.</summary>
    public StoredFileState State { get; init; }

    /// <summary>First character of the chunk in the document's text.</summary>
    public required int Start { get; init; }

    /// <summary>The chunk's text; of a picture its caption.</summary>
    public required string Text { get; init; }

    /// <summary>Whether it is a picture.</summary>
    public bool IsPicture => PictureMark.Find(Stored) is not null;

    /// <summary>
    /// Fused score of the rankings by embedding, words and sentences (reciprocal rank fusion): at most 3/61. Of
    /// <see cref="DocumentLibrary.Nearest"/>, the cosine.
    /// </summary>
    public required float Score { get; init; }

    /// <summary>Cosine of its embedding with the question's; 0 where the store has no embedding of it by this encoder.</summary>
    public required float Cosine { get; init; }

    /// <summary>
    /// The best cosine of one of its sentences with the question; 0 where the store has no embeddings of them by this encoder.
    /// </summary>
    public float SentenceCosine { get; init; }

    /// <summary>BM25 score of the question's words.</summary>
    public required float Bm25 { get; init; }

    /// <summary>The share of the question's words that stand in it, rare ones weighing more (idf); 0 to 1.</summary>
    public float Words { get; init; }

    /// <summary>
    /// How well it fits the question, for people: <c>strong</c> with a cosine of at least 0.55, or of 0.35 and four fifths of the
    /// question's words (as <see cref="Words"/> counts them); <c>fair</c> with either of the latter; else <c>weak</c>. Of passages that do
    /// not answer, 19 of 20 are below 0.47.
    /// </summary>
    public string Strength =>
        Cosine >= 0.55f || (Cosine >= 0.35f && Words >= 0.8f) ? "strong" : Cosine >= 0.35f || Words >= 0.8f ? "fair" : "weak";

    /// <summary>The chunk as it is stored.</summary>
    [AllowNull]
    internal string Stored
    {
        get => field ?? Text;
        init;
    }

    /// <summary>The name of its stored KV.</summary>
    internal string KvName { get; init; } = "";
}
