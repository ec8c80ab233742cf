namespace Kvasir.Documents.Catalog;

/// <summary>What mends something that is wrong with a store.</summary>
public enum StoreMend
{
    /// <summary>Nothing needs to be done, or can be.</summary>
    None,

    /// <summary>Ingest the file again.</summary>
    Ingest,

    /// <summary>Ingest it again although it has not changed.</summary>
    IngestAnew,

    /// <summary>Ingest again whatever of the stored files has changed.</summary>
    IngestAll,

    /// <summary>Ingest all stored files again although they have not changed.</summary>
    IngestAllAnew,

    /// <summary>Remove the file from the store (<see cref="Storage.DocumentStore.Remove"/>).</summary>
    Remove,

    /// <summary>Check the KV (<see cref="DocumentLibrary.Verify(CancellationToken)"/>).</summary>
    Verify,

    /// <summary>Make the database anew from what is sound of it (<see cref="Storage.DocumentStore.Repair"/>).</summary>
    Repair,

    /// <summary>Set the quota again (<see cref="Storage.DocumentStore.SetKvQuota"/>).</summary>
    SetQuota,
}

/// <summary>
/// Something that answers from a store may suffer from: it is damaged, may only be read, or its documents have changed since.
/// </summary>
/// <param name="Problem">What is wrong, in one line.</param>
/// <param name="Mend">What mends it.</param>
/// <param name="File">The file that <paramref name="Mend"/> is about, where it is about one.</param>
public sealed record StoreWarning(string Problem, StoreMend Mend = StoreMend.None, string? File = null)
{
    /// <summary>Of files that are to be taken in anew, those of them that there are.</summary>
    internal static StoreWarning Lost(string problem, IReadOnlyList<string> files, StoreMend otherwise = StoreMend.None) =>
        files.Where(System.IO.File.Exists).Take(2).ToArray() switch
        {
            [] => new StoreWarning(problem, otherwise),
            [string one] => new StoreWarning(problem, StoreMend.IngestAnew, one),
            _ => new StoreWarning(problem, StoreMend.IngestAllAnew),
        };
}
