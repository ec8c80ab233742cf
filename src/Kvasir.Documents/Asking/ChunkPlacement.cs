namespace Kvasir.Documents.Asking;

/// <summary>
/// How chunks are computed and placed (MatKV, and what later work makes of it). Anything but the default is for comparison.
/// </summary>
public enum ChunkPlacement
{
    /// <summary>
    /// M2: each chunk behind the shared prompt prefix, queries turned to where it was computed. Facts, two and five chunks: 87% and 72%
    /// right in the reference.
    /// </summary>
    BehindPrefix,

    /// <summary>M1: each chunk alone, queries turned (72% and 59%).</summary>
    Alone,

    /// <summary>
    /// M0: each chunk alone, and queries not turned, so that all chunks seem to stand at the start, as in MatKV's own code (80% and 44%).
    /// </summary>
    Stacked,
}
