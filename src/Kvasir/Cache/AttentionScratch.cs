using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>One thread's working memory for <see cref="BlockAttention"/>.</summary>
internal sealed unsafe class AttentionScratch : IDisposable
{
    /// <summary>Most query rows (tokens times heads of a group) of one call.</summary>
    public const int MaxRows = 64;

    /// <summary>Blocks whose scores are held at once.</summary>
    public const int StripBlocks = 8;

    /// <summary>The same for tiles of few rows.</summary>
    public const int LongStripBlocks = 16;

    private readonly NativeBuffer _memory;

    public AttentionScratch(int channels)
    {
        long rows = (long)MaxRows * channels * sizeof(float), block = (long)KvBlock.Tokens * channels * sizeof(float),
            scores = (long)MaxRows * StripBlocks * KvBlock.Tokens * sizeof(float);
        _memory = new NativeBuffer(2 * rows + block + scores + (4L * channels + LongStripBlocks * KvBlock.Tokens) * sizeof(float));
        Queries = (float*)_memory.Pointer;
        Rerotated = Queries + rows / sizeof(float);
        Block = Rerotated + rows / sizeof(float);
        Scores = Block + block / sizeof(float);
        Biases = Scores + scores / sizeof(float);
        Table = Biases + LongStripBlocks * KvBlock.Tokens;
    }

    /// <summary>Scaled query rows [MaxRows, channels].</summary>
    public float* Queries { get; }

    /// <summary>The same, rotated back by a segment's offset.</summary>
    public float* Rerotated { get; }

    /// <summary>One decoded block.</summary>
    public float* Block { get; }

    /// <summary>[MaxRows, StripBlocks * 32], or fewer rows of longer strips.</summary>
    public float* Scores { get; }

    /// <summary>What steering adds to the scores of a strip [LongStripBlocks * 32].</summary>
    public float* Biases { get; }

    /// <summary>A rotary table.</summary>
    public float* Table { get; }

    public void Dispose() => _memory.Dispose();
}
