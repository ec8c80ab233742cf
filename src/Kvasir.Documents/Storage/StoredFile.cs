namespace Kvasir.Documents.Storage;

/// <summary>A file in the catalog and the documents it consists of now. Its record is what makes documents part of the store.</summary>
internal sealed record StoredFile
{
    public const uint RecordType = 3;

    /// <summary>Full path.</summary>
    public required string Path { get; init; }

    /// <summary>Length and time of the last change when it was read: as long as both are the same, the file is not read again.</summary>
    public required long Length { get; init; }

    /// <inheritdoc cref="Length"/>
    public required long ChangedTicks { get; init; }

    /// <summary>SHA-256 of its bytes.</summary>
    public required byte[] Hash { get; init; }

    /// <summary>The numbers of its documents, in order; empty where the file was removed.</summary>
    public required long[] Documents { get; init; }

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
}
