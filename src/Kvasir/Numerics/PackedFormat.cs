using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>
/// How a quantised tensor is packed: unsigned codes of 4 or 8 bits and, per row and group of 16 or 32 columns, a f16 scale
/// and either a zero point common to all (value = scale * (code - zero)) or a f16 minimum (value = scale * code + minimum).
/// A panel is <see cref="PanelRows"/> rows; it is stored as one forward stream of blocks of <see cref="BlockColumns"/> columns:
/// codes, then scales [group][row], then minimums [group][row]. See docs/kernels.md for the picture.
/// </summary>
internal readonly record struct PackedFormat(int Bits, int Group, int ZeroPoint, bool HasMinimum)
{
    public const int PanelRows = 32;
    public const int BlockColumns = 32;

    /// <summary>Scales and minimums are stored times 2^this.</summary>
    public int ScaleShift { get; init; }

    /// <summary>What makes floats of stored scales (see <see cref="HalfVectors"/>).</summary>
    public float ScaleFactor => HalfVectors.Factor(ScaleShift);

    public int GroupsPerBlock => BlockColumns / Group;

    public int CodeBytes => Bits * PanelRows * BlockColumns / 8;

    public int ScaleBytes => GroupsPerBlock * PanelRows * sizeof(ushort);

    public int BlockBytes => CodeBytes + (HasMinimum ? 2 : 1) * ScaleBytes;

    public static bool IsQuantized(TensorType type) => BlockType.Find(type) is not null;

    public static PackedFormat For(TensorType type) => BlockType.Find(type) is { } block
        ? new(block.Bits, block.Group, block.ZeroPoint, block.HasMinimum)
        : throw new InvalidInputException($"Tensor type {type} is not a quantised type");
}
