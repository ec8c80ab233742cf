namespace Kvasir.Cli.Tests;

/// <summary>Every command that takes a model, with files that are none.</summary>
public sealed class BadModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Commands => new(
        "complete --prompt x", "chat", "tokenize x", "logits --ids 1", "embed x", "bench", "ask question", "template --messages {messages}",
            "ppl --file {text}", "ingest {text}", "store verify");

    [Theory]
    [MemberData(nameof(Commands))]
    public void Missing_file_is_refused(string command) => Refused(command, _folder.Sub("none.gguf"), "none.gguf");

    [Theory]
    [MemberData(nameof(Commands))]
    public void Folder_that_is_no_model_is_refused(string command) =>
        Refused(command, Directory.CreateDirectory(_folder.Sub("folder")).FullName, "folder");

    [Theory]
    [MemberData(nameof(Commands))]
    public void Empty_file_is_refused(string command) => Refused(command, _folder.File("empty.gguf", []), "empty.gguf");

    [Theory]
    [MemberData(nameof(Commands))]
    public void Text_file_is_refused(string command) =>
        Refused(command, _folder.File("notes.txt", "These are notes, and not a model at all."u8), "notes.txt");

    [SkippableTheory]
    [MemberData(nameof(Commands))]
    public void Truncated_model_is_refused(string command)
    {
        byte[] whole = File.ReadAllBytes(SharedData.Require("models/tiny/tiny-llama3.gguf"));
        Refused(command, _folder.File("cut.gguf", whole.AsSpan(0, whole.Length / 2)), "cut.gguf");
    }

    public void Dispose() => _folder.Dispose();

    private void Refused(string command, string model, string named)
    {
        string text = _folder.File("text.txt", "Some text."u8);
        string messages = _folder.File("messages.json", "[{\"role\":\"user\",\"content\":\"Hello\"}]"u8);
        string[] args = [.. command.Split(' ')
            .Select(word =>
            word.Replace("{text}", text, StringComparison.Ordinal).Replace("{messages}", messages, StringComparison.Ordinal))];
        string[] store = args[0] is "ask" or "ingest" or "store" ? ["--store", _folder.Sub("store"), "--embedder", model] : [];
        Invocation.Of([.. args, "--model", model, .. store]).IsRefused(named);
    }
}
