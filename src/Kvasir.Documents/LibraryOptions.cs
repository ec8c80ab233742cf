using Kvasir.Cache;

namespace Kvasir.Documents;

/// <summary>How a library keeps documents and answers.</summary>
public sealed record LibraryOptions
{
    /// <summary>The most tokens of a chunk; a document that fits is one chunk. Ten blocks of 32 by default.</summary>
    public int ChunkTokens { get; init; } = 320;

    /// <summary>How keys and values are kept, in memory and on disk.</summary>
    public KvPolicy Policy { get; init; } = KvPolicy.Default;
}
