using Kvasir.Formats;
using Kvasir.Quantization;

namespace Kvasir.Tests.Quantization;

public sealed class GgmlBlocksTests
{
    private const string Golden = "golden/engine/dequant.safetensors";

    public static TheoryData<TensorType> BlockTypes => [.. Enum.GetValues<TensorType>().Where(type => type != TensorType.F32)];

    public static TheoryData<TensorType> QuantisedTypes =>
        [.. Enum.GetValues<TensorType>().Where(type => type is not (TensorType.F32 or TensorType.F16 or TensorType.BF16))];

    public static TheoryData<TensorType> MadeTypes =>
        [TensorType.F32, TensorType.F16, TensorType.BF16, TensorType.Q8_0, TensorType.Q4_0, TensorType.Q4_1, TensorType.Q5_0,
            TensorType.Q5_1];

    public static TheoryData<TensorType> ReadOnlyTypes =>
        [TensorType.Q2_K, TensorType.Q3_K, TensorType.Q4_K, TensorType.Q5_K, TensorType.Q6_K, TensorType.IQ4_NL, TensorType.IQ4_XS];

    [SkippableTheory]
    [MemberData(nameof(BlockTypes))]
    public void Dequantised_values_equal_the_reference_bit_for_bit(TensorType type)
    {
        using var golden = SafetensorsFile.Open(SharedData.Require(Golden));
        float[] expected = golden.Floats($"{type}.f32");
        var actual = new float[expected.Length];
        GgmlBlocks.Dequantize(type, golden.Bytes($"{type}.raw"), actual);
        Assert.Equal(MemoryMarshal.Cast<float, uint>(expected), MemoryMarshal.Cast<float, uint>(actual));
    }

    [Theory]
    [MemberData(nameof(QuantisedTypes))]
    public void Random_blocks_follow_the_formulas(TensorType type)
    {
        int length = GgmlBlocks.BlockLength(type), bytes = GgmlBlocks.BlockBytes(type);
        var random = new Random(3);
        var block = new byte[bytes];
        var values = new float[length];
        for (int round = 0; round < 200; round++)
        {
            random.NextBytes(block);
            GgmlBlocks.Dequantize(type, block, values);
            for (int i = 0; i < length; i++) Assert.Equal(GgmlBlocksFormulas.Element(type, block, i), values[i]);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(MadeTypes))]
    public void Quantised_bytes_equal_the_reference(TensorType type)
    {
        using var golden = SafetensorsFile.Open(SharedData.Require(Golden));
        float[] values = golden.Floats("x");
        ReadOnlySpan<byte> expected = type == TensorType.F32 ? golden.Bytes("x") : golden.Bytes($"{type}.raw");
        var actual = new byte[expected.Length];
        BlockWriter.Quantize(type, values, actual);
        Assert.Equal(expected, actual);
    }

    [Theory]
    [InlineData(TensorType.F16, 1 / 2048f)]
    [InlineData(TensorType.BF16, 1 / 256f)]
    [InlineData(TensorType.Q8_0, 0.57f / 127)]
    [InlineData(TensorType.Q5_0, 1.01f / 16)]
    [InlineData(TensorType.Q5_1, 1.02f / 31)]
    [InlineData(TensorType.Q4_0, 1.01f / 8)]
    [InlineData(TensorType.Q4_1, 1.02f / 15)]
    public void Rounding_error_stays_below_one_step_of_the_block(TensorType type, float step)
    {
        var random = new Random(7);
        for (int round = 0; round < 50; round++)
        {
            float scale = MathF.Pow(10, random.Next(-2, 3));
            float[] values = [.. Enumerable.Range(0, 32 * 3).Select(_ => ((random.NextSingle() * 2) - 1) * scale)];
            var bytes = new byte[GgmlBlocks.ByteLength(type, values.Length)];
            var back = new float[values.Length];
            BlockWriter.Quantize(type, values, bytes);
            GgmlBlocks.Dequantize(type, bytes, back);
            Assert.All(values.Zip(back), pair => Assert.InRange(MathF.Abs(pair.First - pair.Second), 0, step * scale));
        }
    }

    [Fact]
    public void Bfloat16_rounds_ties_to_even_and_keeps_nan()
    {
        float[] values = [BitConverter.UInt32BitsToSingle(0x3F808000), BitConverter.UInt32BitsToSingle(0x3F818000), float.NaN, -0f,
            float.NegativeInfinity];
        var bytes = new byte[values.Length * 2];
        BlockWriter.Quantize(TensorType.BF16, values, bytes);
        ReadOnlySpan<ushort> words = MemoryMarshal.Cast<byte, ushort>(bytes);
        Assert.Equal([0x3F80, 0x3F82, 0xFFC0, 0x8000, 0xFF80], words.ToArray());
    }

    [Theory]
    [MemberData(nameof(MadeTypes))]
    public void Zeros_stay_zeros(TensorType type)
    {
        var bytes = new byte[GgmlBlocks.ByteLength(type, 64)];
        float[] back = [.. Enumerable.Repeat(1f, 64)];
        BlockWriter.Quantize(type, new float[64], bytes);
        GgmlBlocks.Dequantize(type, bytes, back);
        Assert.All(back, value => Assert.Equal(0, value));
    }

    [Theory]
    [MemberData(nameof(ReadOnlyTypes))]
    public void Types_that_are_only_read_refuse_to_be_made(TensorType type) =>
        Assert.Throws<NotSupportedException>(() => BlockWriter.Quantize(type, new float[256], new byte[GgmlBlocks.ByteLength(type, 256)]));

    [Theory]
    [MemberData(nameof(BlockTypes))]
    public void Lengths_that_do_not_match_are_refused(TensorType type)
    {
        int elements = GgmlBlocks.BlockLength(type) * 2, bytes = GgmlBlocks.BlockBytes(type) * 2;
        Assert.Throws<ArgumentException>(() => GgmlBlocks.Dequantize(type, new byte[bytes - 1], new float[elements]));
        Assert.Throws<ArgumentException>(() => GgmlBlocks.Dequantize(type, new byte[bytes + 1], new float[elements]));
        Assert.Throws<ArgumentException>(() => GgmlBlocks.Dequantize(type, new byte[bytes], new float[elements + 1]));
    }

    [Fact]
    public void Unknown_types_are_known_to_be_unknown()
    {
        Assert.All(Enum.GetValues<TensorType>(), type => Assert.True(GgmlBlocks.IsKnown(type)));
        Assert.All([4, 9, 15, 31, -1, int.MaxValue], number => Assert.False(GgmlBlocks.IsKnown((TensorType)number)));
    }
}
