using System.Buffers.Binary;
using Kvasir.Formats;

namespace Kvasir.Tests.Formats;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_text_with_a_brace_in_the_ninth_place_is_none()
    {
        Assert.False(SafetensorsFile.BeginsSo("{\"kinds\":{\"a\":1}}"u8[1..]));
        Assert.True(SafetensorsFile.BeginsSo([16, 0, 0, 0, 0, 0, 0, 0, (byte)'{']));
        Assert.False(SafetensorsFile.BeginsSo([16, 0, 0, 0, 0, 0, 0, 0]));
    }

    [Fact]
    public void Written_tensors_are_read_back()
    {
        var writer = new SafetensorsWriter();
        writer.Add("matrix", [2, 3], TestGguf.Ramp(6));
        writer.Add("quote\" \u00e9", [4], TestGguf.Ramp(4));
        string path = Path.Combine(_folder.Path, "out.safetensors");
        writer.Write(path);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal([2, 3], file.Tensors["matrix"].Shape);
        Assert.Equal(TestGguf.Ramp(6), file.Floats("matrix"));
        Assert.Equal(TestGguf.Ramp(4), file.Floats("quote\" \u00e9"));
        Assert.All(file.Tensors.Values, tensor => Assert.Equal(0, tensor.Offset % 4));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Metadata_and_half_precision_are_read()
    {
        byte[] data = [0x80, 0x3F, 0x00, 0xC0, 0x00, 0x3C];
        using var file =
            Open("""{"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"h":{"dtype":"F16","""
                + """ "shape":[1,1],"data_offsets":[4,6]}}""", data);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal([1f, -2f], file.Floats("b"));
        Assert.Equal([1f], file.Floats("h"));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "needs 8 bytes but has 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "lie outside the file")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", "lie outside the file")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]}}""", "too large")]
    [InlineData("""{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}""", "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,8]}}""", "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}""", "whole numbers")]
    [InlineData("""{"a":{"dtype":"X3","shape":[1],"data_offsets":[0,4]}}""", "unknown type 'X3'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", "lacks")]
    [InlineData("""{"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}""", "should be a JSON string")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}""", "unknown property")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        "listed twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        "overlap")]
    [InlineData("""{"a":[[[[[[[[[[1]]]]]]]]]]}""", "should be a JSON object")]
    [InlineData("""{"__metadata__":{"a":1}}""", "should be a JSON string")]
    [InlineData("""{"a" """, "not valid JSON")]
    [InlineData("""{}{}""", "not valid JSON")]
    [InlineData("""{"\ud800":{}}""", "not valid JSON")]
    [InlineData("""[1]""", "does not begin with a JSON header")]
    public void Hostile_headers_are_refused(string json, string expected)
    {
        var error = Assert.Throws<InvalidInputException>(() => Open(json, new byte[8]).Dispose());
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("test.safetensors", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(ulong.MaxValue)]
    [InlineData(1ul << 63)]
    [InlineData(1000ul)]
    public void Wrong_header_lengths_are_refused(ulong length)
    {
        var bytes = new byte[64];
        bytes[8] = (byte)'{';
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        string path = _folder.File("test.safetensors", bytes);
        Assert.Throws<InvalidInputException>(() => SafetensorsFile.Open(path).Dispose());
    }

    [Fact]
    public void Deep_nesting_does_not_overflow_the_stack()
    {
        string json = $$"""{"a":{{new string('[', 1_000_000)}}}""";
        Assert.Throws<InvalidInputException>(() => Open(json, []).Dispose());
    }

    [Fact]
    public void Other_types_are_listed_but_are_not_floats()
    {
        using var file = Open("""{"ids":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}""", [1, 2, 3, 4, 5, 6, 7, 8]);
        Assert.Equal("I64", file.Tensors["ids"].Type);
        Assert.Contains("of type I64", Assert.Throws<InvalidInputException>(() => file.Floats("ids")).Message, StringComparison.Ordinal);
        Assert.Contains("'none' is missing", Assert.Throws<InvalidInputException>(() => file.Floats("none")).Message,
            StringComparison.Ordinal);
    }

    private SafetensorsFile Open(string json, ReadOnlySpan<byte> data)
    {
        byte[] header = Encoding.UTF8.GetBytes(json);
        return SafetensorsFile.Open(_folder.File("test.safetensors", [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. data]));
    }
}
