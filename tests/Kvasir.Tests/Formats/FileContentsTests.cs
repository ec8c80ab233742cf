using Kvasir.Formats;
using Xunit;

namespace Kvasir.Tests.Formats;

public sealed class FileContentsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Gguf_is_described()
    {
        FileContents contents = FileContents.Read(_folder.Write("a.gguf", TestGguf.Bytes(TestGguf.Sample())));
        Assert.Equal("gguf", contents.Kind);
        Assert.Equal("llama", contents.Metadata["general.architecture"]);
        Assert.Equal(["matrix Q8_0 3x64 204", "vector F32 5 20", "cube F16 2x3x4 48"], contents.Tensors.Select(Line));
    }

    [Fact]
    public void Safetensors_and_folders_are_described()
    {
        TestHf.WriteLlama(_folder);
        FileContents file = FileContents.Read(Path.Combine(_folder.Path, "model.safetensors")), folder = FileContents.Read(_folder.Path);
        Assert.Equal(("safetensors", "huggingface"), (file.Kind, folder.Kind));
        Assert.Equal("model.embed_tokens.weight F32 10x16 640", Line(file.Tensors[0]));
        Assert.Contains(folder.Tensors, tensor => tensor.Name == "token_embd.weight");
    }

    private static string Line(StoredTensor tensor) => $"{tensor.Name} {tensor.Type} {string.Join('x', tensor.Shape)} {tensor.Bytes}";
}
