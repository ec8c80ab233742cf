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

    public static bool IsQuantized(TensorType type) => type is not (TensorType.F32 or TensorType.F16 or TensorType.BF16);

    public static PackedFormat For(TensorType type) => type switch
    {
        TensorType.Q4_0 => new(4, 32, 8, false),
        TensorType.Q4_1 or TensorType.Q4_K => new(4, 32, 0, true),
        TensorType.Q5_0 => new(8, 32, 16, false),
        TensorType.Q5_1 or TensorType.Q5_K => new(8, 32, 0, true),
        TensorType.Q8_0 or TensorType.IQ4_NL or TensorType.IQ4_XS => new(8, 32, 128, false),
        TensorType.Q2_K => new(4, 16, 0, true),
        TensorType.Q3_K => new(4, 16, 4, false),
        TensorType.Q6_K => new(8, 16, 32, false),
        _ => throw new InvalidInputException($"Tensor type {type} is not a quantised type"),
    };
}
