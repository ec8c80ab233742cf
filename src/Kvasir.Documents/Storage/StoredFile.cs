using System.Security.Cryptography;

namespace Kvasir.Documents.Storage;

/// <summary>A file in the catalog and the documents it consists of now. Its record is what makes documents part of the store.</summary>
internal sealed record StoredFile
{
    public const uint RecordType = 3;

    /// <summary>Full path.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// Length and time of the last change when it was read: as long as both are the same, the file is not read again. The time is negative where
    /// another machine has read it, which this one need not have.
    /// </summary>
    public required long Length { get; init; }

    /// <inheritdoc cref="Length"/>
    public required long ChangedTicks { get; init; }

    /// <summary>SHA-256 of its bytes.</summary>
    public required byte[] Hash { get; init; }

    /// <summary>The numbers of its documents, in order; empty where the file was removed.</summary>
    public required long[] Documents { get; init; }

    /// <summary>What has become of the file since. A new time alone is no change.</summary>
    public StoredFileState State()
    {
        var now = new FileInfo(Path);
        if (!now.Exists) return ChangedTicks < 0 ? StoredFileState.Current : StoredFileState.Gone;

        return now.Length == Length && (now.LastWriteTimeUtc.Ticks == ChangedTicks || HasContent()) ? StoredFileState.Current : StoredFileState.Changed;
    }

    public byte[] Write()
    {
        var payload = new PayloadWriter();
        payload.Add(Path);
        payload.Add(Length);
        payload.Add(ChangedTicks);
        payload.Add(Hash);
        payload.Add(Documents);
        return payload.ToArray();
    }

    /// <exception cref="InvalidDataException">Not such a record.</exception>
    public static StoredFile Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        return new StoredFile
        {
            Path = reader.ReadText(),
            Length = reader.ReadLong(),
            ChangedTicks = reader.ReadLong(),
            Hash = reader.ReadArray<byte>(),
            Documents = reader.ReadArray<long>(),
        };
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
