namespace Kvasir.Documents.Retrieval;

/// <summary>Embeddings, one behind the other: rows of floats of length 1, or all 0 where there is none.</summary>
internal interface IVectorRows
{
    /// <summary>Floats in a row.</summary>
    int Width { get; }

    /// <summary>Rows [first, first + count), [count, width].</summary>
    ReadOnlySpan<float> Read(long first, int count);
}
