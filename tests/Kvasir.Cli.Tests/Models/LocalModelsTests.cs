using Kvasir.Cli.Models;

namespace Kvasir.Cli.Tests.Models;

/// <summary>Finding models on this machine.</summary>
public sealed class LocalModelsTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("kvasir-models-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Folders_come_from_the_environment_and_the_user_folder_is_last()
    {
        ModelFolders folders = Folders("a", "b");
        Assert.Equal([At("a"), At("b"), At("data/kvasir/models")], folders.Folders);
        Assert.Equal(At("data/kvasir/models"), folders.UserFolder);
    }

    [Fact]
    public void Downloads_go_to_the_first_listed_folder_that_exists_else_to_the_user_folder()
    {
        Assert.Equal(At("data/kvasir/models"), Folders("a").ForDownloads());
        Assert.True(Directory.Exists(At("data/kvasir/models")));
        Directory.CreateDirectory(At("a"));
        Assert.Equal(At("a"), Folders("a").ForDownloads());
        Assert.Empty(Directory.EnumerateFileSystemEntries(At("a")));
    }

    [Fact]
    public void User_folder_that_cannot_be_made_is_a_clear_failure()
    {
        File.WriteAllText(At("data"), "");
        WorkFailedException error = Assert.Throws<WorkFailedException>(() => Folders().ForDownloads());
        Assert.Contains("set KVASIR_MODELS", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Default_is_the_first_chat_model_of_the_top_level()
    {
        Gguf("a/aaa-tiny/deep.gguf", "llama");
        Gguf("a/all-MiniLM.gguf", "bert");
        Gguf("a/image-mmproj.gguf", "clip");
        File.WriteAllText(At("a/broken.gguf"), "GGUF?");
        string chat = Gguf("b/qwen.gguf", "qwen2");
        Assert.Equal(chat, new LocalModels(Folders("a", "b")).Resolve(null));
        Assert.Equal(At("a/all-MiniLM.gguf"), new LocalModels(Folders("a", "b")).ResolveEmbedding(null));
    }

    [Fact]
    public void Sub_folders_are_searched_after_the_top_level()
    {
        string deep = Gguf("a/tiny/deep.gguf", "llama");
        Assert.Equal(deep, new LocalModels(Folders("a")).Resolve(null));
    }

    [Fact]
    public void KVASIR_MODEL_names_the_default()
    {
        Gguf("a/first.gguf", "llama");
        string second = Gguf("a/second.gguf", "llama");
        Assert.Equal(second, new LocalModels(Folders("a") with { DefaultModel = "second" }).Resolve(null));
    }

    [Theory]
    [InlineData("SmolLM2-135M-Instruct.Q4_1.gguf")]
    [InlineData("SmolLM2-135M-Instruct.Q4_1")]
    [InlineData("smollm2-135m-instruct.q4_1")]
    [InlineData("SmolLM2-135M-Instruct")]
    [InlineData("tiny/smollm2-135m-instruct")]
    public void Name_finds_the_file_in_any_case_and_without_its_ending(string name)
    {
        Gguf("a/SmolLM2-135M-Instruct-extra.gguf", "llama");
        string file = Gguf("a/tiny/SmolLM2-135M-Instruct.Q4_1.gguf", "llama");
        Assert.Equal(file, new LocalModels(Folders("a")).Resolve(name));
    }

    [Fact]
    public void Exact_name_goes_before_a_variant_of_it()
    {
        Gguf("a/model-Q8_0.gguf", "llama");
        string exact = Gguf("b/model.gguf", "llama");
        Assert.Equal(exact, new LocalModels(Folders("a", "b")).Resolve("model"));
    }

    [Fact]
    public void Path_of_a_file_or_folder_is_taken_as_it_is()
    {
        string file = Gguf("elsewhere/x.gguf", "llama");
        Directory.CreateDirectory(At("hf"));
        File.WriteAllText(At("hf/config.json"), "{}");
        var models = new LocalModels(Folders());
        Assert.Equal(file, models.Resolve(file));
        Assert.Equal(At("hf"), models.Resolve(At("hf")));
    }

    [Fact]
    public void Missing_model_says_where_it_was_looked_for_and_what_to_do()
    {
        InvalidInputException error = Assert.Throws<InvalidInputException>(() => new LocalModels(Folders("a")).Resolve("qwen3-0.6b"));
        Assert.Contains(At("a"), error.Message, StringComparison.Ordinal);
        Assert.Contains("kvasir models pull Qwen3-0.6B", error.Message, StringComparison.Ordinal);
        Assert.Contains("--model PATH", error.Message, StringComparison.Ordinal);
        Assert.Contains("--embedder PATH",
            Assert.Throws<InvalidInputException>(() => new LocalModels(Folders("a")).ResolveEmbedding("none", "--embedder")).Message,
            StringComparison.Ordinal);
        Assert.EndsWith("demonstration.gguf", new LocalModels(Folders("a")).Resolve(null), StringComparison.Ordinal);
        Assert.Contains("pull all-MiniLM-L6-v2",
            Assert.Throws<InvalidInputException>(() => new LocalModels(Folders("a")).ResolveEmbedding(null)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Folder_without_a_model_is_refused()
    {
        Directory.CreateDirectory(At("empty"));
        InvalidInputException error = Assert.Throws<InvalidInputException>(() => new LocalModels(Folders()).Resolve(At("empty")));
        Assert.Contains("config.json is missing", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void List_tells_what_each_model_is_for()
    {
        Gguf("a/chat.gguf", "gemma2");
        Gguf("a/minilm.gguf", "bert");
        Gguf("a/split-00001-of-00002.gguf", "clip");
        Gguf("a/split-00002-of-00002.gguf", "clip");
        File.WriteAllText(At("a/torn.gguf"), "GG");
        File.WriteAllText(At("a/loading.gguf.part"), "GGUF");
        LocalModel[] models = [.. new LocalModels(Folders("a")).List()];
        Assert.Equal(["chat", "minilm", "split-00001-of-00002", "torn", "demonstration"], models.Select(model => model.Name));
        ModelKind[] kinds = [ModelKind.Chat, ModelKind.Embedding, ModelKind.Part, ModelKind.Damaged, ModelKind.Chat];
        Assert.Equal(kinds, models.Select(model => model.Kind));
        Assert.Equal("gemma2", models[0].Architecture);
        Assert.Equal(new FileInfo(At("a/chat.gguf")).Length, models[0].Bytes);
    }

    [SkippableFact]
    public void Real_folder_gives_the_chat_model_and_the_embedding_model()
    {
        string folder = SharedData.Require("models");
        var models = new LocalModels(new ModelFolders([folder], At("none"), null));
        Assert.Equal("SmolLM2-135M-Instruct.Q4_1.gguf", Path.GetFileName(models.Resolve(null)));
        Assert.Equal("all-MiniLM-L6-v2.q8_0.gguf", Path.GetFileName(models.ResolveEmbedding(null)));
        Assert.EndsWith("tiny-llama3-hf", models.Resolve("tiny-llama3-hf"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("smollm2-1.7b-instruct", "HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF")]
    [InlineData("owner/repo/sub/file-Q8_0.gguf", "owner/repo")]
    public void Catalogue_knows_names_and_files_of_the_hub(string name, string repository) =>
        Assert.Equal(repository, Catalog.Require(name).Repository);

    [Fact]
    public void Pulling_what_is_new_today_needs_only_its_name() =>
        Assert.All(new[] { "smollm2-360m-instruct", "qwen3-1.7b", "Qwen3-4B", "gemma-3-270m-it", "llama-3.2-3b-instruct" }, name =>
            Assert.NotNull(Catalog.Find(name)));

    [Theory]
    [InlineData("nosuch")]
    [InlineData("owner/repo")]
    [InlineData("owner/repo/file.bin")]
    [InlineData("owner/repo/../file.gguf")]
    [InlineData("owner/repo/file.gguf?x=.gguf")]
    public void Unknown_name_lists_what_can_be_pulled(string name)
    {
        InvalidInputException error = Assert.Throws<InvalidInputException>(() => Catalog.Require(name));
        Assert.Contains("SmolLM2-135M-Instruct, SmolLM2-360M-Instruct", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_catalogue_name_finds_its_own_file_once_it_is_pulled() => Assert.All(Catalog.Entries, entry =>
    {
        string file = Gguf($"{entry.Name}/{entry.LocalName}", "llama");
        Assert.Equal(file, new LocalModels(Folders(entry.Name)).Resolve(entry.Name));
    });

    private string At(string relative) => Path.Combine(_root, relative.Replace('/', Path.DirectorySeparatorChar));

    private ModelFolders Folders(params string[] listed) => ModelFolders.FromEnvironment(name => name switch
    {
        "KVASIR_MODELS" => string.Join(Path.PathSeparator, listed.Select(At)),
        "XDG_DATA_HOME" => At("data"),
        _ => null,
    });

    /// <summary>The smallest model file: an architecture and one tensor of eight floats.</summary>
    private string Gguf(string relative, string architecture)
    {
        string path = At(relative);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        void Text(string text)
        {
            writer.Write((long)text.Length);
            writer.Write(Encoding.ASCII.GetBytes(text));
        }

        writer.Write("GGUF"u8);
        writer.Write(3);
        writer.Write(1L);
        writer.Write(1L);
        Text("general.architecture");
        writer.Write(8);
        Text(architecture);
        Text("weight");
        writer.Write(1);
        writer.Write(8L);
        writer.Write(0);
        writer.Write(0L);
        writer.Write(new byte[(32 - (stream.Length % 32)) % 32]);
        writer.Write(new byte[32]);
        File.WriteAllBytes(path, stream.ToArray());
        return path;
    }
}
