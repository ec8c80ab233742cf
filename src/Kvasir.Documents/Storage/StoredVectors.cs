namespace Kvasir.Documents.Storage;

/// <summary>The embeddings of a document's chunks by one encoder, [chunks, width].</summary>
internal sealed record StoredVectors(string Encoder, long Document, int Width, float[] Values)
{
    public const uint RecordType = 2;

    /// <summary>The vector of one chunk.</summary>
    public ReadOnlyMemory<float> Of(int chunk) => Values.AsMemory(chunk * Width, Width);

    public byte[] Write()
    {
        var payload = new PayloadWriter();
        payload.Add(Encoder);
        payload.Add(Document);
        payload.Add(Width);
        payload.Add(Values);
        return payload.ToArray();
    }

    /// <exception cref="InvalidDataException">Not such a record.</exception>
    public static StoredVectors Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        var vectors = new StoredVectors(reader.ReadText(), reader.ReadLong(), reader.ReadInt(), reader.ReadArray<float>());
        return vectors.Width <= 0 || vectors.Values.Length % vectors.Width != 0 ? throw new InvalidDataException() : vectors;
    }
}
