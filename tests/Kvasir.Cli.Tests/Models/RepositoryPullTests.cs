using System.Text.Json;
using Kvasir.Cli.Models;

namespace Kvasir.Cli.Tests.Models;

/// <summary>Pulling from a repository by the type of its weights.</summary>
public sealed class RepositoryPullTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kvasir-repo-").FullName;
    private readonly byte[] _file = [.. "GGUF"u8, .. new byte[5000]];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("owner/repo", "owner/repo", null, null, "main")]
    [InlineData("owner/repo:Q4_K_M", "owner/repo", null, "Q4_K_M", "main")]
    [InlineData("owner/repo:q8_0@v1.2", "owner/repo", null, "q8_0", "v1.2")]
    [InlineData("owner/repo@refs/pr/3", "owner/repo", null, null, "refs/pr/3")]
    [InlineData("hf.co/own-er/re.po_1:Q4_0", "own-er/re.po_1", null, "Q4_0", "main")]
    [InlineData("https://huggingface.co/owner/repo", "owner/repo", null, null, "main")]
    [InlineData("https://huggingface.co/owner/repo/tree/main", "owner/repo", null, null, "main")]
    [InlineData("https://huggingface.co/owner/repo/resolve/abc123/sub/file.gguf?download=true", "owner/repo", "sub/file.gguf", null,
        "abc123")]
    [InlineData("owner/repo/sub/file.gguf@main", "owner/repo", "sub/file.gguf", null, "main")]
    public void References_are_read_as_people_write_them(string text, string repository, string? file, string? quant, string revision) =>
        Assert.Equal(new HubReference(repository, file, quant, revision), HubReference.Parse(text));

    [Theory]
    [InlineData("name")]
    [InlineData("owner/repo/file.bin")]
    [InlineData("owner/../repo")]
    [InlineData("owner/repo:")]
    [InlineData("owner/repo@../../x")]
    [InlineData("https://elsewhere.example/owner/repo")]
    [InlineData("owner/repo name")]
    [InlineData("")]
    public void Other_texts_are_no_references(string text) => Assert.Null(HubReference.Parse(text));

    [Theory]
    [InlineData(null, "m-Q4_K_M.gguf")]
    [InlineData("q8_0", "m-Q8_0.gguf")]
    [InlineData("Q5_K_XL", "m-UD-Q5_K_XL.gguf")]
    [InlineData("UD-Q5_K_XL", "m-UD-Q5_K_XL.gguf")]
    [InlineData("BF16", "BF16/m-BF16-00001-of-00002.gguf BF16/m-BF16-00002-of-00002.gguf")]
    public void File_is_chosen_by_its_type(string? quant, string expected)
    {
        RepositoryFile[] files =
            [.. ("README.md mmproj-m-Q4_K_M.gguf m.imatrix.gguf m-IQ2_M.gguf m-Q8_0.gguf BF16/m-BF16-00002-of-00002.gguf "
                + "BF16/m-BF16-00001-of-00002.gguf m-UD-Q5_K_XL.gguf m-Q4_K_M.gguf ../m-Q4_K_M.gguf")
            .Split(' ').Select(path => new RepositoryFile(path, 1, null))];
        Assert.Equal(expected, string.Join(' ', RepositoryFiles.Choose(files, quant, "o/r").Select(file => file.Path)));
    }

    [Theory]
    [InlineData("m-Q8_0.gguf m-Q6_K.gguf", "m-Q6_K.gguf")]
    [InlineData("m.f16.gguf m.q4_0.gguf", "m.q4_0.gguf")]
    [InlineData("model.gguf", "model.gguf")]
    [InlineData("m-IQ1_S.gguf m-TQ1_0.gguf m-Q2_K.gguf", "m-Q2_K.gguf")]
    public void Without_a_type_the_best_that_can_be_read_is_taken(string paths, string expected) =>
        Assert.Equal(
            expected,
            Assert.Single(
            RepositoryFiles.Choose([.. paths.Split(' ').Select(path => new RepositoryFile(path, null, null))], null, "o/r")).Path);

    [Theory]
    [InlineData("m-Q8_0.gguf m-Q6_K.gguf", "Q4_K_M", "o/r has no Q4_K_M that can be read here; it has Q6_K, Q8_0")]
    [InlineData("m-IQ2_M.gguf m-Q6_K.gguf", "IQ2_M", "it has Q6_K")]
    [InlineData("m-IQ2_M.gguf", null, "types IQ2_M only, which cannot be read here")]
    [InlineData("README.md model.safetensors", null, "holds no GGUF model")]
    [InlineData("m-Q8_0-00001-of-00003.gguf m-Q8_0-00003-of-00003.gguf", null, "one of 3 parts, but only 2 of them are there")]
    public void What_is_not_there_is_named_with_what_is(string paths, string? quant, string problem) =>
        Assert.Contains(problem,
            Assert.Throws<InvalidInputException>(() =>
            RepositoryFiles.Choose([.. paths.Split(' ').Select(path => new RepositoryFile(path, null, null))], quant, "o/r")).Message,
            StringComparison.Ordinal);

    [Fact]
    public async Task Repository_is_listed_and_its_file_pulled_and_checked()
    {
        using var server = Hub("m-Q8_0.gguf", "m-Q4_K_M.gguf");
        PulledModel pulled = await Pull(server, "owner/repo:Q8_0@v2");
        Assert.Equal((Path.Combine(_folder, "m-Q8_0.gguf"), true, false), (pulled.Path, pulled.Checked, pulled.WasThere));
        Assert.Equal(["/api/models/owner/repo/tree/v2?recursive=true", "/owner/repo/resolve/v2/m-Q8_0.gguf", "/blob"], server.Requests);
        Assert.True((await Pull(server, "owner/repo:Q8_0@v2")).WasThere);
    }

    [Fact]
    public async Task All_parts_of_a_split_model_are_pulled()
    {
        using var server = Hub("m-Q8_0-00002-of-00002.gguf", "m-Q8_0-00001-of-00002.gguf");
        PulledModel pulled = await Pull(server, "owner/repo");
        Assert.Equal((Path.Combine(_folder, "m-Q8_0-00001-of-00002.gguf"), 2L * _file.Length), (pulled.Path, pulled.Bytes));
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    [Fact]
    public async Task Other_file_of_the_same_name_is_not_taken_for_it()
    {
        using var server = Hub("m-Q8_0.gguf");
        await File.WriteAllTextAsync(Path.Combine(_folder, "m-Q8_0.gguf"), "GGUF of someone else");
        InvalidInputException error = await Assert.ThrowsAsync<InvalidInputException>(() => Pull(server, "owner/repo"));
        Assert.Contains("is another file (20 bytes, not 5004)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Listed_checksum_that_the_file_does_not_have_deletes_it()
    {
        using var server = Hub("m-Q8_0.gguf");
        server.Listing = server.Listing!.Replace(server.Checksum!, new string('b', 64), StringComparison.Ordinal);
        Assert.Contains("SHA-256", (await Assert.ThrowsAsync<WorkFailedException>(() => Pull(server, "owner/repo"))).Message,
            StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Theory]
    [InlineData(404, null, "has no repository owner/repo (404)")]
    [InlineData(401, null, "without a login (401), or there is none of this name")]
    [InlineData(401, "GatedRepo", "only to who has accepted its licence (401): do so at http://127.0.0.1")]
    [InlineData(403, "GatedRepo", "HF_TOKEN")]
    public async Task Refusal_says_what_to_do(int status, string? code, string problem)
    {
        using var server = Hub("m-Q8_0.gguf");
        (server.Status, server.Refusal) = (status, code);
        Assert.Contains(problem, (await Assert.ThrowsAsync<InvalidInputException>(() => Pull(server, "owner/repo"))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<html>log in</html>")]
    [InlineData("{\"error\": \"no\"}")]
    [InlineData("")]
    public async Task Answer_that_is_no_listing_is_a_failure_of_the_hub(string answer)
    {
        using var server = Hub();
        server.Listing = answer;
        Assert.Contains("cannot be reached", (await Assert.ThrowsAsync<WorkFailedException>(() => Pull(server, "owner/repo"))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Listing_may_be_the_description_of_the_repository()
    {
        using JsonDocument description =
            JsonDocument.Parse(
                """{"siblings": [{"rfilename": "a-Q4_0.gguf", "size": 7, "lfs": {"size": 7,"""
                + """ "sha256": "0000000000000000000000000000000000000000000000000000000000000000"}}, {"rfilename": "README.md"}]}""");
        Assert.Equal([new RepositoryFile("a-Q4_0.gguf", 7, new string('0', 64)), new RepositoryFile("README.md", null, null)],
            RepositoryFiles.Parse(description.RootElement));
    }

    private FakeHub Hub(params string[] paths)
    {
        var hub = new FakeHub(_file);
        hub.Listing = JsonSerializer.Serialize(
            paths.Select(path =>
            new
            {
                type = "file",
                path,
                oid = "0123456789abcdef0123456789abcdef01234567",
                size = _file.Length,
                lfs = new { oid = hub.Checksum, size = _file.Length }
            }));
        return hub;
    }

    private async Task<PulledModel> Pull(FakeHub server, string name)
    {
        using var hub = new ModelHub(server.Address, _folder, TimeSpan.FromSeconds(10), TimeSpan.Zero);
        return await hub.Pull(HubReference.Parse(name)!);
    }
}
