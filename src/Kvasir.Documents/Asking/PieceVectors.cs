using System.Numerics.Tensors;
using Kvasir.Documents.Answering;
using Kvasir.Documents.Chunking;

namespace Kvasir.Documents.Asking;

/// <summary>
/// The embeddings of a chunk's pieces as one row, [<see cref="ChunkPieces.Most"/>, width], 0 where there are fewer: in the store they are
/// the chunk's embedding by another encoder, with all that goes for those.
/// </summary>
internal static class PieceVectors
{
    /// <summary>The name under which they are stored.</summary>
    public static string Encoder(ITextEncoder encoder) => encoder.Identity + "+pieces";

    public static float[] Of(string chunk, ITextEncoder encoder)
    {
        float[][] pieces = encoder.Embed(ChunkPieces.Of(chunk));
        float[] row = new float[ChunkPieces.Most * pieces[0].Length];
        for (int i = 0; i < pieces.Length; i++) pieces[i].CopyTo(row, i * pieces[i].Length);
        return row;
    }

    /// <summary>The cosine of the piece that is nearest to <paramref name="question"/>. The row has length 1, its pieces less.</summary>
    public static float Best(ReadOnlySpan<float> row, ReadOnlySpan<float> question)
    {
        float best = 0;
        for (int at = 0; at + question.Length <= row.Length; at += question.Length)
        {
            // Not a number for a piece of 0, which is none.
            float cosine = TensorPrimitives.CosineSimilarity(row.Slice(at, question.Length), question);
            best = cosine > best ? cosine : best;
        }

        return best;
    }
}
