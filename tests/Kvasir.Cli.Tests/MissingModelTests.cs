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
    public void One_message_names_both_files_how_to_get_them_and_the_command_as_typed()
    {
        Invocation refused = Invocation.Of("ask", "notes on it.md", "What's due?");
        refused.IsRefused("two files are needed, a language model and a sentence encoder, and neither was found");
        foreach (string part in new[]
        {
            "'./kvasir models pull SmolLM2-135M-Instruct' (145 MB) and './kvasir models pull all-MiniLM-L6-v2' (25 MB)",
                "without a network, copy SmolLM2-135M-Instruct-Q8_0.gguf",
            "all-MiniLM-L6-v2-Q8_0.gguf", "KVASIR_MODELS", "--model and --embedder",
                @"then: ./kvasir ask 'notes on it.md' 'What'\''s due?'",
        })
        {
            Assert.Contains(part, refused.Error, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public void Only_what_is_missing_is_asked_for()
    {
        Set("KVASIR_MODELS", SharedData.Require("models"));
        Invocation.Of("ask", "x.md", "Why?", "--embedder", "nosuch").IsRefused("or pass --embedder PATH");
        string models = Directory.CreateDirectory(_folder.Sub("models")).FullName;
        File.Copy(SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf"), Path.Combine(models, "encoder.gguf"));
        Set("KVASIR_MODELS", models);
        Invocation refused = Invocation.Of("ask", "x.md", "Why?");
        refused.IsRefused("and the language model was not found; run './kvasir models pull SmolLM2-135M-Instruct' (145 MB); without");
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
        Assert.Equal(System.Text.Json.JsonValueKind.Null, report.GetProperty("model").ValueKind);
        string text = Invocation.Of("doctor", "--store", store).IsDone().Out;
        Assert.Contains("'./kvasir models pull SmolLM2-135M-Instruct' (145 MB)", text, StringComparison.Ordinal);
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
