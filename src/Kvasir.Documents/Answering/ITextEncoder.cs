namespace Kvasir.Documents.Answering;

/// <summary>What documents need of an embedding model.</summary>
internal interface ITextEncoder
{
    string Identity { get; }

    /// <summary>The cosine below which its embeddings say that a text does not answer a question; 0 where that is not known.</summary>
    float LeastRelevant => 0;

    /// <summary>The embedding of a text.</summary>
    float[] Embed(string text);

    /// <summary>The embeddings of several texts, together where that is faster.</summary>
    float[][] Embed(IReadOnlyList<string> texts) => [.. texts.Select(Embed)];
}
