using Kvasir.Quantization;

namespace Kvasir.Tests.Formats;

public sealed class GgufWriterTests
{
    [Fact]
    public void Wrong_tensor_length_is_refused()
    {
        var writer = new GgufWriter();
        writer.AddTensor("short", TensorType.F32, [8], new byte[31]);
        Assert.Contains("31 bytes where 32 are due", Assert.Throws<InvalidOperationException>(() => writer.Write(Stream.Null)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Failed_write_leaves_the_old_file_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("a.gguf", "old");
        var writer = new GgufWriter();
        writer.AddTensor("x", TensorType.F32, [8], _ => throw new IOException("No space left on device"));
        Assert.Throws<IOException>(() => writer.Write(path));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
        Assert.Equal("old", File.ReadAllText(path));
    }

    [Fact]
    public void Types_that_gguf_lacks_are_refused()
    {
        var writer = new GgufWriter();
        Assert.Throws<ArgumentException>(() => writer.Add("when", DateTime.UnixEpoch));
        Assert.Throws<ArgumentException>(() => writer.Add("nested", new[] { new[] { 1 } }));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("x", TensorType.Q8_0, [2, 33], new byte[1]));
    }
}
