using Kvasir.Documents.Asking;
using Microsoft.Extensions.VectorData;

namespace Kvasir.Extensions.AI;

/// <summary>A stored chunk of a document, as a record of <see cref="KvasirDocuments"/>.</summary>
public sealed record DocumentPassage
{
    /// <summary>
    /// Where it stands: <c>FILE#CHUNK</c>, behind which <c>@ID</c> names the document of a file that has several (JSON Lines); the id is
    /// escaped as in a URI.
    /// </summary>
    [VectorStoreKey]
    public required string Key { get; init; }

    /// <summary>Full path of its file.</summary>
    [VectorStoreData(IsIndexed = true)]
    public required string File { get; init; }

    /// <summary>The document's id within the file (JSON Lines), or null.</summary>
    [VectorStoreData]
    public string? DocumentId { get; init; }

    /// <summary>The document's title.</summary>
    [VectorStoreData]
    public required string Title { get; init; }

    /// <summary>Index of the chunk in its document, from 0.</summary>
    [VectorStoreData]
    public required int Chunk { get; init; }

    /// <summary>First character of the chunk in the document's text, from 0.</summary>
    [VectorStoreData]
    public int Start { get; init; }

    /// <summary>The chunk's text; of a picture its caption.</summary>
    [VectorStoreData(IsFullTextIndexed = true)]
    public required string Text { get; init; }

    /// <summary>Full paths of other files that hold the same text; of records that were searched for.</summary>
    [VectorStoreData]
    public IReadOnlyList<string> AlsoIn { get; init; } = [];

    /// <summary>Cosine of its embedding with the one that was searched for, -1 to 1; 0 where none was.</summary>
    public float Cosine { get; init; }

    internal static DocumentPassage Of(Passage passage) => new()
    {
        Key = string.Create(CultureInfo.InvariantCulture, $"{passage.File}#{passage.Chunk}")
            + (passage.DocumentId is { } id ? "@" + Uri.EscapeDataString(id) : ""),
        File = passage.File,
        DocumentId = passage.DocumentId,
        Title = passage.Title,
        Chunk = passage.Chunk,
        Start = passage.Start,
        Text = passage.Text,
        AlsoIn = passage.AlsoIn,
        Cosine = passage.Cosine,
    };

    /// <summary>The place that a key names; null where it is no key.</summary>
    internal static (string File, string? DocumentId, int Chunk)? Place(string key)
    {
        int at = key.LastIndexOf('#');
        string[] parts = key[(at + 1)..].Split('@', 2);
        return at > 0 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int chunk)
            ? (key[..at], parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : null, chunk) : null;
    }
}
