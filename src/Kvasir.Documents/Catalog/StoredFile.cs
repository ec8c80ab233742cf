using System.Security.Cryptography;

namespace Kvasir.Documents.Catalog;

/// <summary>A file in the catalog, as it was when its documents became part of the store.</summary>
internal sealed record StoredFile
{
    /// <summary>Full path.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// Length and time of the last change when it was read: as long as both are the same, the file is not read again. The time is negative
    /// where another machine has read it, which this one need not have.
    /// </summary>
    public required long Length { get; init; }

    /// <inheritdoc cref="Length"/>
    public required long ChangedTicks { get; init; }

    /// <summary>SHA-256 of its bytes.</summary>
    public required byte[] Hash { get; init; }

    /// <summary>Documents in it.</summary>
    public int Documents { get; init; }

    /// <summary>What has become of the file since. A new time alone is no change.</summary>
    public StoredFileState State()
    {
        var now = new FileInfo(Path);
        if (!now.Exists) return ChangedTicks < 0 ? StoredFileState.Current : StoredFileState.Gone;
        return now.Length == Length && (now.LastWriteTimeUtc.Ticks == ChangedTicks || HasContent())
            ? StoredFileState.Current : StoredFileState.Changed;
    }

    private bool HasContent()
    {
        try
        {
            using FileStream file = File.OpenRead(Path);
            return SHA256.HashData(file).AsSpan().SequenceEqual(Hash);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
