using System.Buffers.Binary;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Quantization;

namespace Kvasir.Tests.Formats;

public sealed class GgufFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(8)]
    [InlineData(32)]
    [InlineData(4096)]
    public void Written_metadata_and_tensors_are_read_back(int alignment)
    {
        using ModelFile file = ModelFiles.Open(_folder.File("a.gguf", TestGguf.Bytes(TestGguf.Sample(alignment))));
        Assert.Equal("gguf", file.Kind);
        Assert.Equal((200, -100), (file.Require<long>("test.u8"), file.Require<long>("test.i8")));
        Assert.Equal((60000, -30000), (file.Require<int>("test.u16"), file.Require<int>("test.i16")));
        Assert.Equal((4_000_000_000, -2_000_000_000), (file.Require<long>("test.u32"), file.Require<long>("test.i32")));
        Assert.Equal((9_000_000_000_000_000_000, -9_000_000_000_000_000_000),
            (file.Require<long>("test.u64"), file.Require<long>("test.i64")));
        Assert.Equal((0.5, 0.1, true, "Ωmega"),
            (file.Require<double>("test.f32"), file.Require<double>("test.f64"), file.Require<bool>("test.true"),
            file.Require<string>("test.text")));
        Assert.Equal(["a", "", "ü"], file.Require<string[]>("test.texts"));
        Assert.Equal([1, -2, 3], file.Require<long[]>("test.integers"));
        Assert.Equal([1, 2.5], file.Require<double[]>("test.rates"));
        Assert.Equal([true, false], file.Require<bool[]>("test.flags"));
        Assert.Equal([3, 64], file.RequireTensor("matrix").Shape);
        Assert.Equal((1, 5), (file.RequireTensor("vector").Rows, file.RequireTensor("vector").Columns));
        Assert.Equal((6, 4), (file.RequireTensor("cube").Rows, file.RequireTensor("cube").Columns));
        Assert.Equal(TestGguf.Ramp(24)[4..8], Row(file.RequireTensor("cube"), 1));
        Assert.Equal(TestGguf.Ramp(5), Row(file.RequireTensor("vector"), 0));
    }

    [Theory]
    [InlineData("llama", true)]
    [InlineData("qwen2", false)]
    public void Only_llama_rows_are_interleaved(string architecture, bool expected)
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", architecture);
        using ModelFile file = Open(TestGguf.Bytes(writer));
        Assert.Equal(expected, file.InterleavedRotary);
    }

    [Theory]
    [InlineData("GGUX", "does not begin with 'GGUF'")]
    [InlineData("GGUF\u0001\0\0\0", "version 1")]
    [InlineData("GGUF\u0009\0\0\0", "version 9")]
    [InlineData("GGUF\0\0\0\u0003", "big-endian")]
    [InlineData("GGUF\u0003\0", "truncated")]
    [InlineData("Some plain text, much longer than a header.", "does not begin with 'GGUF'")]
    public void Wrong_beginnings_are_refused(string begin, string expected) => Refused(Encoding.Latin1.GetBytes(begin), expected);

    [Fact]
    public void Every_truncation_is_refused()
    {
        byte[] whole = TestGguf.Bytes(TestGguf.Sample());
        int lastData = whole.Length - 16; // the padding after the last tensor may be missing
        for (int length = 0; length < lastData; length += 7)
            Assert.Throws<InvalidInputException>(() => Open(whole.AsSpan(0, length)).Dispose());
    }

    [Theory]
    [InlineData(8, "truncated")] // tensor count
    [InlineData(16, "truncated")] // metadata count
    [InlineData(24, "truncated")] // length of the first key
    public void Absurd_counts_are_refused_without_allocating(int offset, string expected)
    {
        byte[] bytes = TestGguf.Bytes(TestGguf.Sample());
        foreach (ulong count in (ulong[])[ulong.MaxValue, long.MaxValue, 1ul << 40, 1ul << 31])
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(offset), count);
            Refused(bytes, expected);
        }
    }

    [Theory]
    [InlineData(0, 0ul, "dimension of 0")]
    [InlineData(0, ulong.MaxValue, "dimension of 18446744073709551615")]
    [InlineData(0, 63ul, "whole Q8_0 blocks")]
    [InlineData(8, 1ul << 30, "run past the end")]
    public void Wrong_sizes_are_refused(int offset, ulong value, string expected)
    {
        byte[] bytes = OneTensor(out int sizes);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(sizes + offset), value);
        Refused(bytes, expected);
    }

    [Theory]
    [InlineData(ulong.MaxValue - 31, "not a multiple")]
    [InlineData((ulong)long.MaxValue - 31, "run past the end")]
    [InlineData(1ul << 32, "run past the end")]
    [InlineData(8ul, "not a multiple")]
    public void Wrong_offsets_are_refused(ulong value, string expected)
    {
        byte[] bytes = OneTensor(out int sizes);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(sizes + 20), value);
        Refused(bytes, expected);
    }

    [Theory]
    [InlineData(4u, "4 (unknown)")]
    [InlineData(18u, "IQ3_XXS")]
    [InlineData(uint.MaxValue, "4294967295 (unknown)")]
    public void Unknown_tensor_types_are_named(uint type, string expected)
    {
        byte[] bytes = OneTensor(out int sizes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(sizes + 16), type);
        Refused(bytes, expected);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(5u)]
    [InlineData(uint.MaxValue)]
    public void Wrong_numbers_of_dimensions_are_refused(uint dimensions)
    {
        byte[] bytes = OneTensor(out int sizes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(sizes - 4), dimensions);
        Refused(bytes, "dimensions");
    }

    [Fact]
    public void Tensors_of_one_name_are_refused()
    {
        var writer = new GgufWriter();
        writer.AddTensor("same", TensorType.F32, [8], TestGguf.Ramp(8));
        writer.AddTensor("same", TensorType.F32, [8], TestGguf.Ramp(8));
        Refused(TestGguf.Bytes(writer), "'same' is listed twice");
    }

    [Fact]
    public void Tensors_that_overlap_are_refused()
    {
        var writer = new GgufWriter();
        writer.AddTensor("one", TensorType.F32, [32], TestGguf.Ramp(32));
        writer.AddTensor("two", TensorType.F32, [32], TestGguf.Ramp(32));
        byte[] bytes = TestGguf.Bytes(writer);
        int second = bytes.AsSpan().IndexOf("two"u8);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(second + 3 + 4 + 8 + 4), 32);
        Refused(bytes, "'one' and 'two' overlap");
    }

    [Fact]
    public void Metadata_of_one_key_are_refused()
    {
        var writer = new GgufWriter();
        writer.Add("test.a", 1u);
        writer.Add("test.b", 2u);
        byte[] bytes = TestGguf.Bytes(writer);
        bytes[bytes.AsSpan().IndexOf("test.b"u8) + 5] = (byte)'a';
        Refused(bytes, "'test.a' stands there twice");
    }

    [Theory]
    [InlineData("general.alignment", 24u, "power of two")]
    [InlineData("general.alignment", 0u, "power of two")]
    [InlineData("general.alignment", 1u << 30, "power of two")]
    [InlineData("general.alignment", "32", "power of two")]
    public void Wrong_alignments_are_refused(string key, object value, string expected)
    {
        var writer = new GgufWriter();
        writer.Add(key, value);
        writer.AddTensor("x", TensorType.F32, [8], TestGguf.Ramp(8));
        Refused(TestGguf.Bytes(writer), expected);
    }

    [Theory]
    [InlineData(9u, "array of arrays")]
    [InlineData(13u, "value type 13")]
    [InlineData(1u, "")]
    public void Array_element_types_are_checked(uint type, string expected)
    {
        var writer = new GgufWriter();
        writer.Add("list", new byte[] { 1, 2, 3 });
        byte[] bytes = TestGguf.Bytes(writer);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.AsSpan().IndexOf("list"u8) + 8), type);
        if (expected.Length > 0) Refused(bytes, expected);
        else Open(bytes).Dispose();
    }

    [Fact]
    public void Hostile_names_stay_on_one_short_line()
    {
        var writer = new GgufWriter();
        string name = "first\nsecond\u001b" + new string('x', 100_000);
        writer.AddTensor(name, TensorType.F32, [8], TestGguf.Ramp(8));
        writer.AddTensor(name, TensorType.F32, [8], TestGguf.Ramp(8));
        InvalidInputException error = Refused(TestGguf.Bytes(writer), "listed twice");
        Assert.DoesNotContain(error.Message, char.IsControl);
        Assert.True(error.Message.Length < 1000);
    }

    [Fact]
    public void Missing_paths_empty_files_and_bare_safetensors_are_refused()
    {
        Assert.Contains("does not exist",
            Assert.Throws<InvalidInputException>(() => ModelFiles.Open(Path.Combine(_folder.Path, "none.gguf"))).Message,
            StringComparison.Ordinal);
        Refused([], "is empty");
        string weights = _folder.File("model.safetensors", "{}");
        Assert.Contains("name the folder", Assert.Throws<InvalidInputException>(() => ModelFiles.Open(weights)).Message,
            StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Real_model_is_listed()
    {
        using ModelFile file = ModelFiles.Open(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"));
        Assert.Equal(272, file.Tensors.Count);
        Assert.Equal(49152, file.Require<string[]>("tokenizer.ggml.tokens").Length);
        Assert.Equal(48900, file.Require<string[]>("tokenizer.ggml.merges").Length);
        Assert.Equal([49152, 576], file.RequireTensor("token_embd.weight").Shape);
        Assert.True(file.InterleavedRotary);
    }

    [SkippableFact]
    public void Vocabulary_without_tensors_is_opened()
    {
        using ModelFile file = ModelFiles.Open(SharedData.Require("golden/engine/vocab/ggml-vocab-llama-spm.gguf"));
        Assert.Empty(file.Tensors);
        Assert.Equal(file.Require<string[]>("tokenizer.ggml.tokens").Length, file.Require<double[]>("tokenizer.ggml.scores").Length);
    }

    private ModelFile Open(ReadOnlySpan<byte> bytes) => ModelFiles.Open(_folder.File("test.gguf", bytes));

    private InvalidInputException Refused(ReadOnlySpan<byte> bytes, string expected)
    {
        string path = _folder.File("test.gguf", bytes);
        var error = Assert.Throws<InvalidInputException>(() => ModelFiles.Open(path).Dispose());
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        return error;
    }

    /// <summary>A Q8_0 matrix [2, 64]; its two sizes, type and offset stand at <paramref name="sizes"/>, innermost first.</summary>
    private static byte[] OneTensor(out int sizes)
    {
        var writer = new GgufWriter();
        writer.AddTensor("only", TensorType.Q8_0, [2, 64], TestGguf.Ramp(128));
        byte[] bytes = TestGguf.Bytes(writer);
        sizes = bytes.AsSpan().IndexOf("only"u8) + 4 + 4;
        return bytes;
    }

    private static float[] Row(Tensor tensor, int row)
    {
        var values = new float[tensor.Columns];
        GgmlBlocks.Dequantize(tensor.Type, tensor.RowBytes(row), values);
        return values;
    }
}
