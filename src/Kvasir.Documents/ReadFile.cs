using System.Text.Json;
using System.Text.Json.Serialization;
using Kvasir.Documents.Chunking;
using Kvasir.Documents.Reading;

namespace Kvasir.Documents;

/// <summary>What a file is read as: the text that is searched and answered from, or why there is none.</summary>
/// <param name="File">The full path.</param>
/// <param name="Kind">How it is read: text, markdown, html, jsonLines, table, sourceCode, word or pdf; null for a folder.</param>
public sealed record ReadFile(string File, string? Kind)
{
    /// <summary>The text, of JSON Lines that of all documents; null where it was not read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Text { get; init; }

    /// <summary>Why it was not read; null where it was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Skipped { get; init; }

    /// <summary>What the user is to know of how it was read: parts that are missing or were repaired; null where nothing was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Notes { get; init; }

    /// <summary>Named itself, not found in a folder.</summary>
    [JsonIgnore]
    public bool Named { get; init; }

    /// <summary>The chunks that ingesting would store, in order; null where they were not asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ReadChunk>? Chunks { get; init; }

    /// <summary>Reads files and folders as <see cref="DocumentLibrary.Ingest"/> does, one after another, without a store.</summary>
    /// <param name="paths">Files and folders.</param>
    /// <param name="countTokens">Counts a text's tokens by the model's tokenizer; null gives no chunks.</param>
    /// <param name="options">The size of chunks, and what is read.</param>
    /// <param name="cancellation">Stops it within a moment.</param>
    /// <exception cref="InvalidInputException">A path does not exist.</exception>
    public static IEnumerable<ReadFile> Under(
        IEnumerable<string> paths, Func<string, int>? countTokens = null, LibraryOptions? options = null,
        CancellationToken cancellation = default)
    {
        options ??= new LibraryOptions();
        Chunker? chunker = countTokens is null ? null : new Chunker(options.ChunkTokens, countTokens.Invoke);
        FoundFiles found = FoundFiles.Under(paths);
        return Read(found, chunker, options.Comments, cancellation)
            .Concat(found.Skipped.Select(skipped => new ReadFile(skipped.Path, KindOf(skipped.Path)) { Skipped = skipped.Reason }));
    }

    private static IEnumerable<ReadFile> Read(FoundFiles found, Chunker? chunker, bool comments, CancellationToken cancellation)
    {
        using var reader = new DocumentReader();
        foreach ((string path, bool named) in found.Files)
            yield return Read(reader, path, chunker, comments, cancellation) with { Named = named };
    }

    private static ReadFile Read(DocumentReader reader, string path, Chunker? chunker, bool comments, CancellationToken cancellation)
    {
        var file = new ReadFile(path, KindOf(path));
        try
        {
            IReadOnlyList<Document> documents = reader.Read(path, DocumentReader.Load(path), comments, cancellation);
            return file with
            {
                Text = string.Join("\n\n", documents.Select(document => document.Text)),
                Notes = documents.SelectMany(document => document.Notes).ToArray() is { Length: > 0 } notes ? notes : null,
                Chunks = chunker is null ? null : [.. documents.SelectMany(document => Cut(document, chunker))],
            };
        }
        catch (UnreadableDocumentException error)
        {
            return file with { Skipped = error.Message };
        }
    }

    private static IEnumerable<ReadChunk> Cut(Document document, Chunker chunker) =>
        chunker.Split(document.Text)
            .Select(chunk => new ReadChunk(document.Title, chunk.Tokens, document.Text.Substring(chunk.Start, chunk.Length)));

    private static string? KindOf(string path) =>
        Directory.Exists(path) ? null : JsonNamingPolicy.CamelCase.ConvertName((DocumentKinds.Of(path) ?? DocumentKind.Text).ToString());
}

/// <summary>One chunk of a file's text.</summary>
/// <param name="Title">The title of its document.</param>
/// <param name="Tokens">How many tokens it has in the prompt.</param>
/// <param name="Text">The text.</param>
public sealed record ReadChunk(string Title, int Tokens, string Text);
