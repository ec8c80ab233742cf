using Kvasir.Cache;

namespace Kvasir.Documents;

/// <summary>How a library keeps documents and answers.</summary>
public sealed record LibraryOptions
{
    /// <summary>The most tokens of a chunk; a document that fits is one chunk. Ten blocks of 32 by default.</summary>
    public int ChunkTokens { get; init; } = 320;

    /// <summary>How keys and values are kept, in memory and on disk. KIVI's 4 bits by default: a third of float16's bytes, and as many facts answered right.</summary>
    public KvPolicy Policy { get; init; } = DefaultPolicy;

    /// <summary>How chunks are computed and placed.</summary>
    public ChunkPlacement Placement { get; init; }

    /// <summary>4-bit keys and values.</summary>
    public static KvPolicy DefaultPolicy { get; } = new() { Keys = "kivi4", Values = "kivi4" };
}
