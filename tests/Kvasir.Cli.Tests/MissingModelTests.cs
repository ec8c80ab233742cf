namespace Kvasir.Cli.Tests;

/// <summary>Tests that change the process's environment run alone.</summary>
[CollectionDefinition(nameof(ChangesTheEnvironment), DisableParallelization = true)]
public sealed class ChangesTheEnvironment;

/// <summary>Asking documents on a machine without models.</summary>
[Collection(nameof(ChangesTheEnvironment))]
public sealed class MissingModelTests : IDisposable
{
    private static readonly string[] s_variables = ["KVASIR_MODELS", "KVASIR_MODEL", "XDG_DATA_HOME", "KVASIR_COMMAND"];
    private readonly Dictionary<string, string?> _before = s_variables.ToDictionary(name => name, Environment.GetEnvironmentVariable);
    private readonly TemporaryFolder _folder = new();

    public MissingModelTests()
    {
        Set("KVASIR_MODELS", _folder.Sub("models"));
        Set("KVASIR_MODEL", null);
        Set("XDG_DATA_HOME", _folder.Sub("data"));
        Set("KVASIR_COMMAND", "./kvasir");
    }

    public void Dispose()
    {
        foreach ((string name, string? value) in _before) Set(name, value);
        _folder.Dispose();
    }

    [Fact]
    public void Without_models_the_built_in_one_answers_is_named_and_a_real_one_is_offered()
    {
        string notes = _folder.File("notes.md", "The ferry to Skell leaves from pier A at 9 am.");
        Invocation asked = Invocation.Of("ask", notes, "Where does the ferry to Skell leave?", "--json", "--store", _folder.Sub("store"));
        Assert.Equal(notes, asked.IsDone(anyNotes: true).Json.GetProperty("sources")[0].GetProperty("file").GetString());
        Assert.Contains(
            "answered by the built-in demonstration model, which is often wrong; './kvasir models pull SmolLM2-360M-Instruct' (386 MB) "
                + "gets a real one",
            asked.Error, StringComparison.Ordinal);
        Invocation listed = Invocation.Of("models", "ls", "--json").IsDone();
        Assert.Equal("demonstration", Assert.Single(listed.Json.GetProperty("models").EnumerateArray()).GetProperty("name").GetString());
    }

    [Fact]
    public void The_built_in_model_is_not_said_to_have_answered_what_is_refused()
    {
        string notes = _folder.File("notes.md", "The ferry leaves at 9 am."), store = _folder.Sub("store");
        Invocation.Of("ask", notes, " ", "--store", store).IsRefused("the question is empty");
        Invocation.Of("ask", _folder.Sub("missing.md"), "When?", "--store", store).IsRefused("no such file");
        Invocation.Of("complete", "--prompt", "One", "--ids", "x").IsRefused("--ids");
        Invocation written = Invocation.Of("logits", "--ids", "1", "--out", _folder.Sub("logits.safetensors")).IsDone(anyNotes: true);
        Assert.Contains("built-in", written.Error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void The_built_in_model_is_taken_only_where_there_is_no_other()
    {
        Set("KVASIR_MODELS", SharedData.Require("models"));
        string[] complete = ["complete", "--prompt", "One", "--max-tokens", "1"];
        Assert.DoesNotContain("built-in", Invocation.Of(complete).IsDone().Error, StringComparison.Ordinal);
        Assert.Contains(
            "built-in",
            Invocation.Of([.. complete, "--model", "demonstration"]).IsDone(anyNotes: true).Error,
            StringComparison.Ordinal);
        Invocation.Of("ask", "x.md", "Why?", "--embedder", "nosuch").IsRefused("or pass --embedder PATH");
    }

    [Fact]
    public void Where_the_model_cannot_be_had_no_store_is_made()
    {
        string notes = _folder.File("notes.md", "The ferry leaves at 9 am."), store = _folder.Sub("store");
        Invocation.Of("ask", notes, "When?", "--model", _folder.Sub("missing.gguf"), "--store", store).IsRefused("missing.gguf");
        Assert.False(Path.Exists(store));
    }

    [Fact]
    public void Doctor_tells_of_the_machine_and_how_to_get_what_is_missing()
    {
        string store = _folder.Sub("store");
        System.Text.Json.JsonElement report = Invocation.Of("doctor", "--json", "--store", store).IsDone().Json;
        Assert.Contains(report.GetProperty("kernelPath").GetString(), report.GetProperty("kernelPaths").EnumerateArray()
            .Select(path => path.GetString()));
        Assert.InRange(report.GetProperty("threads").GetInt32(), 1, Environment.ProcessorCount);
        Assert.True(report.GetProperty("memoryGigabytesPerSecond").GetDouble() > 0);
        Assert.Equal("demonstration", report.GetProperty("model").GetProperty("name").GetString());
        string text = Invocation.Of("doctor", "--store", store).IsDone().Out;
        Assert.Contains("'./kvasir models pull SmolLM2-360M-Instruct' (386 MB)", text, StringComparison.Ordinal);
        Assert.Contains("'./kvasir models pull all-MiniLM-L6-v2' (25 MB)", text, StringComparison.Ordinal);
        Assert.False(Directory.Exists(store));
    }

    [SkippableFact]
    public void Without_an_encoder_words_find_the_passages()
    {
        string models = Directory.CreateDirectory(_folder.Sub("models")).FullName;
        File.Copy(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"), Path.Combine(models, "model.gguf"));
        string notes = _folder.File("notes.md", "The ferry to Skell leaves from pier A.");
        Invocation asked = Invocation.Of(
            "ask", notes, "Where does the ferry leave?", "--json", "--store", _folder.Sub("store"), "--max-tokens", "4");
        Assert.Equal(notes, asked.IsDone().Json.GetProperty("sources")[0].GetProperty("file").GetString());
    }

    private static void Set(string name, string? value) => Environment.SetEnvironmentVariable(name, value);
}
