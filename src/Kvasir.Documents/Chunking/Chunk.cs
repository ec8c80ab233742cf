namespace Kvasir.Documents.Chunking;

/// <summary>A part of a document's text: characters [Start, Start + Length), and the tokens of <see cref="Chunker.PromptText"/>.</summary>
internal readonly record struct Chunk(int Start, int Length, int Tokens)
{
    public int End => Start + Length;
}
