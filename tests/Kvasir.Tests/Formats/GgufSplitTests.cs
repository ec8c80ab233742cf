using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Quantization;

namespace Kvasir.Tests.Formats;

public sealed class GgufSplitTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Any_part_opens_the_whole(int part)
    {
        string[] paths = WriteParts(3);
        using ModelFile file = ModelFiles.Open(paths[part - 1]);
        Assert.Equal(["part0", "part1", "part2"], file.Tensors.Keys.Order());
        Assert.Equal("llama", file.Require<string>("general.architecture"));
        Assert.All(file.Tensors.Values, tensor => Assert.True(TestGguf.Sum(tensor) > 0));
        Assert.Equal(paths, file.SourceFiles);
    }

    [Fact]
    public void Missing_part_is_named()
    {
        string[] paths = WriteParts(3);
        File.Delete(paths[1]);
        Assert.Contains($"{paths[1]} does not exist", Refused(paths[0]), StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_in_each_others_place_are_refused()
    {
        string[] paths = WriteParts(3);
        File.Copy(paths[2], paths[1], overwrite: true);
        Assert.Contains("not part 2 of 3", Refused(paths[0]), StringComparison.Ordinal);
    }

    [Fact]
    public void Renamed_part_is_refused()
    {
        string other = Path.Combine(_folder.Path, "other.gguf");
        File.Move(WriteParts(2)[0], other);
        Assert.Contains("must be named like", Refused(other), StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_that_lack_tensors_are_refused()
    {
        string[] paths = WriteParts(2, promised: 5);
        Assert.Contains("2 tensors where 5 are promised", Refused(paths[0]), StringComparison.Ordinal);
    }

    private string[] WriteParts(int count, int? promised = null)
    {
        string[] paths = [.. Enumerable.Range(1, count).Select(number => Path.Combine(_folder.Path, $"m-{number:D5}-of-{count:D5}.gguf"))];
        for (int i = 0; i < count; i++)
        {
            var writer = new GgufWriter();
            if (i == 0) writer.Add("general.architecture", "llama");
            writer.Add("split.no", (ushort)i);
            writer.Add("split.count", (ushort)count);
            writer.Add("split.tensors.count", promised ?? count);
            writer.AddTensor($"part{i}", TensorType.F32, [64], TestGguf.Ramp(64));
            writer.Write(paths[i]);
        }
        return paths;
    }

    private static string Refused(string path) => Assert.Throws<InvalidInputException>(() => ModelFiles.Open(path).Dispose()).Message;
}
