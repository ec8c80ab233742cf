using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Transfer;

/// <summary>What of a store is exported, and how it is vouched for.</summary>
public sealed record ExportOptions
{
    /// <summary>Only the KV of this model: its file's name or the beginning of its identity; null for all models.</summary>
    public string? Model { get; init; }

    /// <summary>Only the KV kept under this policy; null for all policies.</summary>
    public Cache.KvPolicy? Policy { get; init; }

    /// <summary>
    /// Key of an HMAC-SHA256 over the manifest, by which an importer that has it knows that nothing was changed; null for none.
    /// </summary>
    public byte[]? Key { get; init; }
}

/// <summary>What was exported.</summary>
/// <param name="Files">Stored files.</param>
/// <param name="Documents">Documents in them.</param>
/// <param name="Chunks">Chunks of the documents.</param>
/// <param name="Kv">KV by model and policy; the speed is not told.</param>
/// <param name="Bytes">Length of the written file.</param>
public sealed record ExportReport(int Files, int Documents, int Chunks, IReadOnlyList<StoredKvInfo> Kv, long Bytes);

/// <summary>How a file that <see cref="StoreTransfer.Export"/> has written is taken in.</summary>
public sealed record ImportOptions
{
    /// <summary>The path under which the documents are stored, in place of the one that was exported; null for the same.</summary>
    public string? As { get; init; }

    /// <summary>The key that the file must have been signed with; null where it is trusted without.</summary>
    public byte[]? Key { get; init; }
}

/// <summary>What was imported.</summary>
/// <param name="Files">Files in the archive.</param>
/// <param name="ChangedFiles">How many of them were not in the store as they are.</param>
/// <param name="Documents">Documents in all files.</param>
/// <param name="Chunks">Chunks of the documents.</param>
/// <param name="KvFiles">KV files that were not in the store.</param>
/// <param name="KvBytes">Their bytes.</param>
/// <param name="Signed">Whether the file was signed, with whatever key.</param>
public sealed record ImportReport(int Files, int ChangedFiles, int Documents, int Chunks, int KvFiles, long KvBytes, bool Signed)
{
    /// <summary>KV files that were left out because the store's quota has no room; their KV is computed when a question needs it.</summary>
    public int KvFilesLeftOut { get; init; }
}

/// <summary>How far an export or import is.</summary>
/// <param name="Bytes">Bytes done.</param>
/// <param name="TotalBytes">Bytes to do.</param>
public readonly record struct TransferProgress(long Bytes, long TotalBytes);
