namespace Kvasir.Numerics;

/// <summary>The keys of 32 tokens before their rotation, and the angles that each pair of channels is turned by in each of them.</summary>
internal readonly unsafe ref struct RotatedRows
{
    /// <summary>[channels, 32], the channels in an order of their own.</summary>
    public required float* Keys { get; init; }

    /// <summary>
    /// The channels that are turned together, and their rows of <see cref="Keys"/>, in the order of <see cref="RotaryRuns"/>.
    /// </summary>
    public required ReadOnlySpan<RotatedPair> Pairs { get; init; }

    /// <summary>Cosines and sines [2, pairs, 32] of the tokens.</summary>
    public required float* Tokens { get; init; }
}

/// <summary>Two channels that are turned together, and where they lie in a block.</summary>
internal readonly record struct RotatedPair(int First, int Second, int FirstRow, int SecondRow);
