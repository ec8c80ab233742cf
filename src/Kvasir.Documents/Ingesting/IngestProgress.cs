using Kvasir.Documents.Reading;

namespace Kvasir.Documents.Ingesting;

/// <summary>How far an ingest is.</summary>
/// <param name="File">The file at work.</param>
/// <param name="FilesDone">Files done, unchanged ones included.</param>
/// <param name="Files">Files in all.</param>
/// <param name="Documents">Documents done.</param>
/// <param name="Chunks">Chunks done.</param>
/// <param name="Tokens">Tokens whose KV has been computed.</param>
public readonly record struct IngestProgress(string File, int FilesDone, int Files, int Documents, int Chunks, long Tokens)
{
    /// <summary>Bytes of files done, of <see cref="Bytes"/>.</summary>
    public long BytesDone { get; init; }

    /// <summary>
    /// Bytes of the files for which there is anything to do: new or changed ones, and those whose embeddings or KV are missing.
    /// </summary>
    public long Bytes { get; init; }

    /// <summary>The share that is done, from 0 to 1.</summary>
    public double Share => Bytes > 0 ? Math.Clamp((double)BytesDone / Bytes, 0, 1) : Files > 0 ? (double)FilesDone / Files : 1;
}

/// <summary>What an ingest did.</summary>
public sealed record IngestReport
{
    /// <summary>Documents that the given paths hold now.</summary>
    public int Documents { get; init; }

    /// <summary>Their chunks.</summary>
    public int Chunks { get; init; }

    /// <summary>Their tokens.</summary>
    public long Tokens { get; init; }

    /// <summary>Files that were new or had changed.</summary>
    public int ChangedFiles { get; init; }

    /// <summary>Files that are no longer there and were taken out of the store.</summary>
    public int RemovedFiles { get; init; }

    /// <summary>Chunks whose KV was computed now.</summary>
    public int ComputedChunks { get; init; }

    /// <summary>Chunks whose KV was there under a policy that keeps more, and was converted now.</summary>
    public int ConvertedChunks { get; init; }

    /// <summary>Tokens of the chunks that were computed.</summary>
    public long ComputedTokens { get; init; }

    /// <summary>Chunks left without KV because the store's quota has no room; it is computed when a question needs it.</summary>
    public int ChunksWithoutKv { get; init; }

    /// <summary>Bytes of all KV that the store holds for this model and policy.</summary>
    public long KvBytes { get; init; }

    /// <summary>Time taken.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>What in the given folders was not read, and why.</summary>
    public IReadOnlyList<SkippedFile> Skipped { get; init; } = [];

    /// <summary>Files that were read, but not wholly, and what is missing.</summary>
    public IReadOnlyList<SkippedFile> Incomplete { get; init; } = [];
}
