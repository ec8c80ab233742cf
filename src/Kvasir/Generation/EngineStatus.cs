namespace Kvasir.Generation;

/// <summary>What an <see cref="EngineLoop"/> does now, and has done.</summary>
public sealed record EngineStatus
{
    /// <summary>Generations that take part in the steps.</summary>
    public required int Running { get; init; }

    /// <summary>Generations that wait.</summary>
    public required int Waiting { get; init; }

    /// <summary>Bytes of keys and values held, kept beginnings included.</summary>
    public required long KvBytes { get; init; }

    /// <summary>The most bytes that were ever held.</summary>
    public required long MostKvBytes { get; init; }

    /// <summary>Bytes of kept beginnings.</summary>
    public required long PrefixBytes { get; init; }

    /// <summary>Kept beginnings.</summary>
    public required int Prefixes { get; init; }

    /// <summary>Generations that have ended.</summary>
    public required long Finished { get; init; }

    /// <summary>Tokens of their prompts.</summary>
    public required long PromptTokens { get; init; }

    /// <summary>Those of them that were not computed again.</summary>
    public required long ReusedTokens { get; init; }

    /// <summary>Tokens that they have generated.</summary>
    public required long GeneratedTokens { get; init; }

    /// <summary>What each layer holds.</summary>
    public required IReadOnlyList<LayerStatus> Layers { get; init; }
}

/// <summary>What a layer holds in all caches.</summary>
/// <param name="Layer">Which one, from 0.</param>
/// <param name="Bytes">Bytes of it.</param>
/// <param name="Codecs">Sealed blocks by their codec, and the tails as <c>f32 tail</c>.</param>
public sealed record LayerStatus(int Layer, long Bytes, IReadOnlyDictionary<string, int> Codecs);
