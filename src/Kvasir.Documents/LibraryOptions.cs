using Kvasir.Cache;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Catalog;
using Kvasir.Vision;

namespace Kvasir.Documents;

/// <summary>How a library keeps documents and answers.</summary>
public sealed record LibraryOptions
{
    /// <summary>Ten blocks of 32.</summary>
    public const int DefaultChunkTokens = 320;

    /// <summary>The most tokens of a chunk; a document that fits is one chunk.</summary>
    public int ChunkTokens { get; init; } = DefaultChunkTokens;

    /// <summary>Whether the comments in Word documents are read too, behind the text.</summary>
    public bool Comments { get; init; }

    /// <summary>
    /// How keys and values are kept, in memory and on disk. KIVI's 4 bits by default: a third of float16's bytes, and as many facts
    /// answered right.
    /// </summary>
    public KvPolicy Policy { get; init; } = DefaultPolicy;

    /// <summary>What shows pictures to the model; null for none. It must outlive the library.</summary>
    public ImageEncoder? Images { get; init; }

    /// <summary>How chunks are computed and placed.</summary>
    public ChunkPlacement Placement { get; init; }

    /// <summary>
    /// The share of each chunk's tokens that is stored, in every head those that the model needs most to repeat the text (KVzip, Kim et al.
    /// 2025). 1, all of them, by default: what a question will need is not known yet, and leaving tokens out costs answers.
    /// </summary>
    public double ThinStore { get; init; } = 1;

    /// <inheritdoc cref="Storage.DocumentStore.Open(string, bool, Action{StoreWarning})" path="/param[@name='warned']"/>
    public Action<StoreWarning>? Warned { get; init; }

    /// <summary>4-bit keys and values.</summary>
    public static KvPolicy DefaultPolicy { get; } = new() { Keys = "kivi4", Values = "kivi4" };
}
