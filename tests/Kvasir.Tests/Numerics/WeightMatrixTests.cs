using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Tests.Numerics;

[Trait("Category", "Kernels")]
public unsafe class WeightMatrixTests
{
    public static TheoryData<string, string> TypesAndPaths() => OnAllPaths(RandomTensor.Types);

    public static TheoryData<string, string> QuantizedTypesAndPaths() => OnAllPaths(RandomTensor.Types.Where(PackedFormat.IsQuantized));

    public static TheoryData<string> Types() => new(RandomTensor.Types.Select(type => type.ToString()));

    public static TheoryData<string> QuantizedTypes() =>
        new(RandomTensor.Types.Where(PackedFormat.IsQuantized).Select(type => type.ToString()));

    [Theory]
    [MemberData(nameof(TypesAndPaths))]
    public void Product_equals_the_oracle_over_the_read_rows(string typeName, string pathName)
    {
        var (type, path) = (Enum.Parse<TensorType>(typeName), Enum.Parse<KernelPath>(pathName));
        var random = new Random(typeName.Length * 31 + pathName.Length);
        for (int round = 0; round < 18; round++)
        {
            int block = RandomTensor.BlockLength(type);
            int rows = random.Next(1, 140), columns = block * random.Next(1, block == 1 ? 150 : block == 32 ? 9 : 3), tokens = round < 17
                ? round + 1 : 45;
            using var tensor = new RandomTensor(type, rows, columns, round);
            using var matrix = WeightMatrix.Pack(tensor.Tensor, false, path);
            using var x = RandomActivations(tokens + 2, columns, random);
            float[] bias = [.. Enumerable.Range(0, rows).Select(_ => random.NextSingle())];
            bool accumulate = round % 2 == 0, biased = round % 3 == 0;
            int firstRow = random.Next(0, (rows - 1) / matrix.RowGranularity + 1) * matrix.RowGranularity;
            int endRow = Math.Min(rows, firstRow + random.Next(1, 4) * matrix.RowGranularity);
            int stride = rows + 3;
            float[] before = [.. Enumerable.Range(0, tokens * stride).Select(_ => random.NextSingle())];
            float[] output = [.. before];
            fixed (float* target = output, added = bias)
                matrix.Multiply(x, 1, tokens, firstRow, endRow, new(target, stride), biased ? added : null, accumulate);

            float[] row = new float[columns];
            for (int i = 0; i < output.Length; i++)
            {
                int r = i % stride;
                if (r < firstRow || r >= endRow)
                {
                    Assert.Equal(before[i], output[i]);
                    continue;
                }
                matrix.ReadRow(r, row);
                var (expected, magnitude) = Dot(x, 1 + i / stride, row, matrix.ReadsInt8);
                expected += (biased ? bias[r] : 0) + (accumulate ? before[i] : 0);
                Assert.True(Math.Abs(expected - output[i]) <= 3e-6 * magnitude + 1e-6,
                    $"{type} {path} {rows}x{columns} tokens {tokens}, row {r}: {output[i]}, expected {expected}");
            }
        }
    }

    /// <summary>So a greedy answer does not depend on how many are generated beside it.</summary>
    [Theory]
    [MemberData(nameof(QuantizedTypesAndPaths))]
    public void No_bit_of_a_quantised_product_depends_on_the_number_of_tokens(string typeName, string pathName)
    {
        const int Rows = 70, Tokens = 29;
        TensorType type = Enum.Parse<TensorType>(typeName);
        int columns = RandomTensor.BlockLength(type) * 2;
        using var tensor = new RandomTensor(type, Rows, columns, 5);
        using var matrix = WeightMatrix.Pack(tensor.Tensor, false, Enum.Parse<KernelPath>(pathName));
        using var x = RandomActivations(Tokens, columns, new Random(7));
        float[] together = new float[Tokens * Rows], alone = new float[Tokens * Rows];
        fixed (float* all = together, one = alone)
        {
            matrix.Multiply(x, 0, Tokens, 0, Rows, new(all, Rows), null, false);
            for (int token = 0; token < Tokens; token++) matrix.Multiply(x, token, 1, 0, Rows, new(one + token * Rows, Rows), null, false);
        }
        Assert.Equal(alone, together);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Read_rows_are_the_dequantised_rows(string typeName)
    {
        const int Rows = 35, Columns = 512;
        var type = Enum.Parse<TensorType>(typeName);
        using var tensor = new RandomTensor(type, Rows, Columns, 3);
        using var matrix = WeightMatrix.Pack(tensor.Tensor, false, KernelPath.Scalar);
        using var float32 = WeightMatrix.Pack(tensor.Tensor, true, KernelPath.Scalar);
        // Group scales of the K types and IQ4_XS are products, kept as f16; all others are kept as they are.
        bool rounded = RandomTensor.BlockLength(type) == 256;
        float[] row = new float[Columns], expected = new float[Columns];
        for (int r = 0; r < Rows; r++)
        {
            GgmlBlocks.Dequantize(type, tensor.Tensor.RowBytes(r), expected);
            float32.ReadRow(r, row);
            Assert.Equal(expected, row);
            matrix.ReadRow(r, row);
            float largest = expected.Max(Math.Abs);
            for (int c = 0; c < Columns; c++)
                Assert.True(rounded ? Math.Abs(expected[c] - row[c]) <= largest / 1024
                    : expected[c] == row[c], $"{type} row {r} column {c}: {row[c]}, expected {expected[c]}");
        }
    }

    [Theory]
    [MemberData(nameof(TypesAndPaths))]
    public void Float32_product_is_the_dequantised_product(string typeName, string pathName)
    {
        const int Rows = 37, Columns = 512, Tokens = 8;
        using var tensor = new RandomTensor(Enum.Parse<TensorType>(typeName), Rows, Columns, 9);
        using var matrix = WeightMatrix.Pack(tensor.Tensor, true, Enum.Parse<KernelPath>(pathName));
        using var x = RandomActivations(Tokens, Columns, new Random(2));
        float[] output = new float[Rows * Tokens], row = new float[Columns];
        fixed (float* target = output) matrix.Multiply(x, 0, Tokens, 0, Rows, new(target, Rows), null, false);
        for (int i = 0; i < output.Length; i++)
        {
            GgmlBlocks.Dequantize(tensor.Tensor.Type, tensor.Tensor.RowBytes(i % Rows), row);
            var (expected, magnitude) = Dot(x, i / Rows, row, false);
            Assert.Equal(expected, output[i], 2e-6 * magnitude);
        }
    }

    [Theory]
    [MemberData(nameof(QuantizedTypes))]
    public void Int8_product_is_close_to_the_float_product(string typeName)
    {
        const int Rows = 40, Columns = 1024;
        using var tensor = new RandomTensor(Enum.Parse<TensorType>(typeName), Rows, Columns, 5);
        using var matrix = WeightMatrix.Pack(tensor.Tensor, false, KernelPaths.Choose(null));
        using var x = RandomActivations(1, Columns, new Random(6));
        float[] output = new float[Rows], row = new float[Columns];
        fixed (float* target = output) matrix.Multiply(x, 0, 1, 0, Rows, new(target, Rows), null, false);
        double error = 0, norm = 0;
        for (int r = 0; r < Rows; r++)
        {
            matrix.ReadRow(r, row);
            double squares = 0, exact = 0;
            for (int c = 0; c < Columns; c++)
            {
                exact += (double)row[c] * x.Row(0)[c];
                squares += (double)row[c] * row[c];
            }
            error += (exact - output[r]) * (exact - output[r]);
            norm += squares * Columns / 12;
        }
        Assert.InRange(Math.Sqrt(error / norm), 0, 0.006);
    }

    [Theory]
    [MemberData(nameof(TypesAndPaths))]
    public void Extreme_codes_do_not_saturate(string typeName, string pathName)
    {
        var type = Enum.Parse<TensorType>(typeName);
        if (!PackedFormat.IsQuantized(type)) return;
        foreach (byte fill in new byte[] { 0x00, 0x7F, 0x80, 0xFF })
        {
            const int Rows = 33, Columns = 256, Tokens = 19;
            using var tensor = new RandomTensor(type, Rows, Columns, 7);
            tensor.Fill(fill);
            using var matrix = WeightMatrix.Pack(tensor.Tensor, false, Enum.Parse<KernelPath>(pathName));
            using var x = new Activations(Tokens, Columns);
            for (int t = 0; t < Tokens; t++)
                for (int c = 0; c < Columns; c++)
                    x.Row(t)[c] = (t % 4) switch { 0 => 1, 1 => -1, 2 => c % 2 == 0 ? 1 : -1, _ => c % 4 < 2 ? 1 : -1 };
            x.Quantize(0, Tokens, 0, Columns);
            float[] output = new float[Tokens * Rows], row = new float[Columns];
            fixed (float* target = output) matrix.Multiply(x, 0, Tokens, 0, Rows, new(target, Rows), null, false);
            for (int i = 0; i < output.Length; i++)
            {
                matrix.ReadRow(i % Rows, row);
                var (expected, magnitude) = Dot(x, i / Rows, row, true);
                Assert.True(Math.Abs(expected - output[i]) <= 3e-6 * magnitude + 1e-6,
                    $"{type} {pathName} fill {fill}: {output[i]}, expected {expected}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(TypesAndPaths))]
    public void Subnormal_and_large_scales_are_kept(string typeName, string pathName)
    {
        var type = Enum.Parse<TensorType>(typeName);
        const int Rows = 33, Columns = 512;
        foreach (float scale in new[] { 5.9604645e-8f, -4e-5f, 31.97f, 32, -500 })
        {
            using var tensor = new RandomTensor(type, Rows, Columns, 4);
            tensor.SetHalves((Half)scale);
            using var matrix = WeightMatrix.Pack(tensor.Tensor, false, Enum.Parse<KernelPath>(pathName));
            using var x = RandomActivations(1, Columns, new Random(3));
            float[] output = new float[Rows], row = new float[Columns], stored = new float[Columns];
            fixed (float* target = output) matrix.Multiply(x, 0, 1, 0, Rows, new(target, Rows), null, false);
            for (int r = 0; r < Rows; r++)
            {
                GgmlBlocks.Dequantize(type, tensor.Tensor.RowBytes(r), row);
                matrix.ReadRow(r, stored);
                if (RandomTensor.BlockLength(type) != 256) Assert.Equal(row, stored);
                var (expected, magnitude) = Dot(x, 0, stored, matrix.ReadsInt8);
                Assert.Equal(expected, output[r], 3e-6 * magnitude + 1e-9);
            }
        }
    }

    [Theory]
    [MemberData(nameof(TypesAndPaths))]
    public void Zero_activations_give_the_bias(string typeName, string pathName)
    {
        using var tensor = new RandomTensor(Enum.Parse<TensorType>(typeName), 5, 256, 1);
        using var matrix = WeightMatrix.Pack(tensor.Tensor, false, Enum.Parse<KernelPath>(pathName));
        using var x = new Activations(2, 256);
        x.Quantize(0, 2, 0, 256);
        float[] output = new float[10], bias = [1, 2, 3, 4, 5];
        fixed (float* target = output, added = bias) matrix.Multiply(x, 0, 2, 0, 5, new(target, 5), added, false);
        Assert.Equal([1f, 2, 3, 4, 5, 1, 2, 3, 4, 5], output);
    }

    [Fact]
    public void Ranges_outside_are_refused()
    {
        using var tensor = new RandomTensor(TensorType.Q8_0, 64, 64, 1);
        using var matrix = WeightMatrix.Pack(tensor.Tensor, false, KernelPath.Scalar);
        using var x = new Activations(2, 64);
        using var narrow = new Activations(2, 32);
        float[] output = new float[256];
        Assert.Throws<ArgumentOutOfRangeException>(() => Multiply(matrix, x, 1, 2, 0, 64, output));
        Assert.Throws<ArgumentOutOfRangeException>(() => Multiply(matrix, x, -1, 1, 0, 64, output));
        Assert.Throws<ArgumentOutOfRangeException>(() => Multiply(matrix, x, 0, 1, 0, 65, output));
        Assert.Throws<ArgumentOutOfRangeException>(() => Multiply(matrix, x, 0, 1, 8, 64, output));
        Assert.Throws<ArgumentException>(() => Multiply(matrix, narrow, 0, 1, 0, 64, output));
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.ReadRow(64, output));
    }

    private static TheoryData<string, string> OnAllPaths(IEnumerable<TensorType> types)
    {
        var data = new TheoryData<string, string>();
        foreach (var type in types)
            foreach (var path in KernelPaths.Supported)
                data.Add(type.ToString(), path.ToString());
        return data;
    }

    private static void Multiply(WeightMatrix matrix, Activations x, int firstToken, int tokens, int firstRow, int endRow, float[] output)
    {
        fixed (float* target = output) matrix.Multiply(x, firstToken, tokens, firstRow, endRow, new(target, 64), null, false);
    }

    private static Activations RandomActivations(int tokens, int columns, Random random)
    {
        var x = new Activations(tokens, columns);
        for (int t = 0; t < tokens; t++)
            for (int c = 0; c < columns; c++) x.Row(t)[c] = random.NextSingle() - 0.5f;
        x.Quantize(0, tokens, 0, columns);
        return x;
    }

    /// <summary>The product with the activations as the kernel sees them, and the sum of the terms' sizes (for the tolerance).</summary>
    private static (double Value, double Magnitude) Dot(Activations x, int token, float[] row, bool int8)
    {
        double value = 0, magnitude = 0;
        for (int c = 0; c < row.Length; c++)
        {
            ActivationBlock* block = x.BlockRow(token) + c / 32;
            double term = row[c] * (double)(int8 ? block->Scale * block->Codes[c % 32] : x.Row(token)[c]);
            value += term;
            magnitude += Math.Abs(term);
        }
        return (value, magnitude);
    }
}
