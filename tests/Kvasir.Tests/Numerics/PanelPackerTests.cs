using Kvasir.Memory;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Tests.Numerics;

[Trait("Category", "Kernels")]
public unsafe class PanelPackerTests
{
    public static TheoryData<TensorType> Types => [.. RandomTensor.Types.Where(PackedFormat.IsQuantized)];

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_code_and_scale_of_a_row_is_put_in_its_place(TensorType type)
    {
        int block = RandomTensor.BlockLength(type);
        foreach (int rows in new[] { 1, 3, 4, 31, 33, 70 })
        {
            foreach (int columns in block == 32 ? new[] { 32, 96, 288, 512 } : [256, 768])
            {
                foreach (float scale in new[] { 0, 5.9604645e-8f, -4e-5f, 0.03f, 31.97f, 32, -500, 65504, float.PositiveInfinity })
                {
                    using var tensor = new RandomTensor(type, rows, columns, rows + columns);
                    if (scale != 0) tensor.SetHalves((Half)scale);
                    Check(type, tensor, rows, columns);
                }
            }
        }
    }

    private static void Check(TensorType type, RandomTensor tensor, int rows, int columns)
    {
        var format = PackedFormat.For(type);
        int panelBytes = columns / PackedFormat.BlockColumns * format.BlockBytes, panels = (rows + 31) / PackedFormat.PanelRows;
        using var packed = new NativeBuffer(panels * panelBytes);
        format = PanelPacker.Pack(tensor.Tensor, packed.Pointer);
        byte[] expected = new byte[panels * panelBytes];
        bool fits = TryPlace(type, format with { ScaleShift = HalfVectors.Shift }, tensor, expected);
        if (!fits)
        {
            Array.Clear(expected);
            TryPlace(type, format with { ScaleShift = 0 }, tensor, expected);
        }
        Assert.Equal(fits ? HalfVectors.Shift : 0, format.ScaleShift);
        Assert.True(packed.Span<byte>(0, expected.Length).SequenceEqual(expected), $"{type} {rows}x{columns}, shift {format.ScaleShift}");
    }

    /// <summary>Value by value. False when a scale is too large for the shift.</summary>
    private static bool TryPlace(TensorType typeName, PackedFormat format, RandomTensor tensor, byte[] target)
    {
        BlockType type = BlockType.Find(typeName)!;
        byte* codes = stackalloc byte[256];
        float* scales = stackalloc float[16], minimums = stackalloc float[16];
        int columns = tensor.Tensor.Columns, panelBytes = columns / PackedFormat.BlockColumns * format.BlockBytes;
        for (int row = 0; row < tensor.Tensor.Rows; row++)
        {
            fixed (byte* source = tensor.Tensor.RowBytes(row))
            {
                for (int column = 0; column < columns; column++)
                {
                    int inType = column % type.Length, inPanel = row % PackedFormat.PanelRows;
                    if (inType == 0) type.Read(source + column / type.Length * type.Bytes, 1, codes, scales, minimums);
                    int start = row / PackedFormat.PanelRows * panelBytes + column / PackedFormat.BlockColumns * format.BlockBytes;
                    int inBlock = column % PackedFormat.BlockColumns;
                    if (format.Bits == 4)
                        target[start + (inBlock / 8 * PackedFormat.PanelRows + inPanel) * 4 + inBlock % 4] |=
                            (byte)(codes[inType] << (inBlock % 8 < 4 ? 0 : 4));
                    else target[start + (inBlock / 4 * PackedFormat.PanelRows + inPanel) * 4 + inBlock % 4] = codes[inType];
                    int at = start + format.CodeBytes + (inBlock / format.Group * PackedFormat.PanelRows + inPanel) * sizeof(ushort);
                    if (!TryPlaceScale(type, format, scales[inType / format.Group], target.AsSpan(at))) return false;
                    if (format.HasMinimum
                        && !TryPlaceScale(type, format, minimums[inType / format.Group], target.AsSpan(at + format.ScaleBytes)))
                        return false;
                }
            }
        }
        return true;
    }

    private static bool TryPlaceScale(BlockType type, PackedFormat format, float scale, Span<byte> target)
    {
        var half = (Half)(type.Length == 256 ? Math.Clamp(scale, -65504, 65504) : scale); // a product, or a f16 of the file
        if (format.ScaleShift != 0) half = (Half)((float)half * (1 << format.ScaleShift));
        BitConverter.TryWriteBytes(target, half);
        return format.ScaleShift == 0 || Half.IsFinite(half);
    }
}
