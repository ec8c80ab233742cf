namespace Kvasir.Documents.Storage;

/// <summary>The embeddings of a document's chunks by one encoder, [chunks, width], as they are given to the catalog.</summary>
internal sealed record StoredVectors(string Encoder, long Document, int Width, float[] Values);
