namespace Kvasir.Models;

/// <summary>Sizes and kinds of a model.</summary>
public sealed record ModelConfig
{
    /// <summary>Architecture name as in GGUF (<c>llama</c>, <c>qwen2</c>, <c>bert</c> …).</summary>
    public required string Architecture { get; init; }

    /// <summary>Transformer layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int Width { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key-value heads.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Channels of a query and of a key of one head.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Channels of a value of one head; more than <see cref="HeadDim"/> in models that were trained with thin keys.</summary>
    public required int ValueDim { get; init; }

    /// <summary>Width of the feed-forward layer.</summary>
    public required int FeedForward { get; init; }

    /// <summary>Ids of the vocabulary.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>The longest sequence.</summary>
    public required int ContextLength { get; init; }
}
