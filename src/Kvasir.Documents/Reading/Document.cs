using System.Security.Cryptography;

namespace Kvasir.Documents.Reading;

/// <summary>
/// One document as text. <see cref="Id"/> tells the documents of one file apart (JSON Lines); null where the file is the document.
/// </summary>
internal sealed record Document(string? Id, string Title, string Text)
{
    /// <summary>What the user is to know of how it was read: parts that are missing, and why.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>SHA-256 over title and text: what is compared to see whether a document has changed.</summary>
    public byte[] ContentHash() => SHA256.HashData(Encoding.UTF8.GetBytes($"{Title}\0{Text}"));
}
