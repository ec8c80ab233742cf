namespace Kvasir.Documents.Storage;

/// <summary>Where the embeddings of a document's chunks by one encoder stand: rows of a vector file, and their CRC-32C.</summary>
internal sealed record VectorRecord(string Encoder, long Document, long Generation, long FirstRow, int Count, uint Checksum)
{
    public const uint RecordType = 2;

    public byte[] Write()
    {
        var payload = new PayloadWriter();
        payload.Add(Encoder);
        payload.Add(Document);
        payload.Add(Generation);
        payload.Add(FirstRow);
        payload.Add(Count);
        payload.Add((int)Checksum);
        return payload.ToArray();
    }

    /// <exception cref="InvalidDataException">Not such a record.</exception>
    public static VectorRecord Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        return new VectorRecord(reader.ReadText(), reader.ReadLong(), reader.ReadLong(), reader.ReadLong(), reader.ReadInt(), (uint)reader.ReadInt());
    }
}
