using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>
/// Where the tokens of a run of blocks stood when their keys were computed, and how keys are rotated there: what a codec needs that keeps
/// keys before their rotation, or in a basis of their own. Codecs that keep keys as attention multiplies them have no use for it.
/// </summary>
/// <param name="Rotary">The layer's rotation; null where positions are learned.</param>
/// <param name="ComputedAt">Position of the run's first token when it was computed.</param>
/// <param name="Kept">Which tokens of the run are there; null for all.</param>
/// <param name="FirstToken">Token of the run that the first block of the call begins with.</param>
internal readonly record struct KeyContext(Rotary? Rotary, int ComputedAt, KeptTokens? Kept, int FirstToken)
{
    /// <summary>The position that a token, counted from the call's first block on, was computed at.</summary>
    public int PositionOf(int token) =>
        ComputedAt + (Kept is null ? FirstToken + token : Math.Min(Kept.Positions[FirstToken + token], Kept.Span - 1));
}
