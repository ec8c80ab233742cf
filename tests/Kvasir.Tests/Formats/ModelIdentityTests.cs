using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Quantization;

namespace Kvasir.Tests.Formats;

public sealed class ModelIdentityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>What is kept for the next time must never lie in the folder that a command happens to run in.</summary>
    [Fact]
    public void The_cache_of_a_user_without_a_home_is_not_the_current_folder() =>
        Assert.True(Path.IsPathRooted(ModelIdentity.UserCacheFolder("")));

    [Fact]
    public void Layout_names_and_tokenizer_do_not_count() =>
        Assert.Equal(Identity(Model()), Identity(Model(reversed: true, alignment: 64, extra: writer =>
        {
            writer.Add("general.name", "another");
            writer.Add("tokenizer.ggml.model", "gpt2");
        })));

    [Fact]
    public void Everything_that_changes_the_mathematics_counts()
    {
        string[] identities =
        [
            Identity(Model()),
            Identity(Model(first: 2f)),
            Identity(Model(epsilon: 1e-6f)),
            Identity(Model(name: "c")),
            Identity(Model(type: TensorType.F16)),
            Identity(Model(shape: [2, 4])),
            Identity(Model(architecture: "qwen2")),
            Identity(Model(extra: writer => writer.Add("llama.more", true))),
        ];
        Assert.Equal(identities.Length, identities.Distinct().Count());
        Assert.All(identities, identity => Assert.Matches("^[0-9a-f]{64}$", identity));
    }

    [Fact]
    public void Identity_is_kept_until_the_file_changes()
    {
        string path = _folder.File("a.gguf", TestGguf.Bytes(Model()));
        string expected = Cached(path);
        string kept = Assert.Single(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories), file => file != path);
        File.WriteAllText(kept, new string('a', 64));
        Assert.Equal(new string('a', 64), Cached(path));
        File.WriteAllText(kept, "damaged");
        Assert.Equal(expected, Cached(path));
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddHours(1));
        File.WriteAllText(kept, new string('a', 64));
        Assert.Equal(expected, Cached(path));
    }

    [Fact]
    public void Unwritable_cache_folder_is_tolerated()
    {
        string path = _folder.File("a.gguf", TestGguf.Bytes(Model()));
        using ModelFile file = ModelFiles.Open(path);
        string notAFolder = _folder.File("file", "x");
        Assert.Equal(ModelIdentity.Compute(file), ModelIdentity.Cached(file, notAFolder));
    }

    private string Cached(string path)
    {
        using ModelFile file = ModelFiles.Open(path);
        return ModelIdentity.Cached(file, _folder.Path);
    }

    private string Identity(GgufWriter writer)
    {
        using ModelFile file = ModelFiles.Open(_folder.File("identity.gguf", TestGguf.Bytes(writer)));
        return ModelIdentity.Compute(file);
    }

    private static GgufWriter Model(bool reversed = false, int alignment = 32, float first = 1f, float epsilon = 1e-5f, string name = "a",
        TensorType type = TensorType.F32, long[]? shape = null, string architecture = "llama", Action<GgufWriter>? extra = null)
    {
        var writer = new GgufWriter(alignment);
        if (reversed) extra?.Invoke(writer);
        writer.Add("general.architecture", architecture);
        writer.Add("llama.epsilon", epsilon);
        if (!reversed) extra?.Invoke(writer);
        Action[] tensors =
        [
            () => writer.AddTensor(name, type, shape ?? [8], [first, 2, 3, 4, 5, 6, 7, 8]),
            () => writer.AddTensor("b", TensorType.F32, [4], TestGguf.Ramp(4)),
        ];
        foreach (Action add in reversed ? tensors.Reverse() : tensors) add();
        return writer;
    }
}
