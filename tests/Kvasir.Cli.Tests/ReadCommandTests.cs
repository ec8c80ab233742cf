using System.Text.Json;

namespace Kvasir.Cli.Tests;

public sealed class ReadCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Text_of_a_file_is_printed_without_a_model()
    {
        string file = _folder.File("prices.csv", "Item,Price\nLamp,15\n"u8);
        Assert.Equal("Item: Lamp\nPrice: 15\n", Invocation.Of("read", file).IsDone().Out.ReplaceLineEndings("\n"));
        JsonElement json = Invocation.Of("read", file, "--json").IsDone().Json;
        Assert.Equal((file, "table", "Item: Lamp\nPrice: 15"),
            (json.GetProperty("file").GetString(), json.GetProperty("kind").GetString(), json.GetProperty("text").GetString()));
    }

    [Fact]
    public void What_is_not_read_is_said_and_the_rest_goes_on()
    {
        string broken = _folder.File("a.docx", "PK"u8), sound = _folder.File("b.md", "# Sound"u8);
        Invocation read = Invocation.Of("read", broken, sound, "--json");
        JsonElement[] files = [.. read.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal((ExitCode.BadInput, 2), (read.Code, files.Length));
        Assert.Contains("not a readable Word document", files[0].GetProperty("skipped").GetString(), StringComparison.Ordinal);
        Assert.False(files[0].TryGetProperty("text", out _) || files[1].TryGetProperty("skipped", out _));
        Assert.Equal("Sound", files[1].GetProperty("text").GetString());
        Assert.Equal(ExitCode.Done, Invocation.Of("read", _folder.Path).Code);
        Invocation.Of("read", _folder.Sub("none.txt")).IsRefused("none.txt");
    }

    [SkippableFact]
    public void Chunks_are_the_cuts_of_the_text()
    {
        string text = string.Join(
            "\n\n", Enumerable.Range(1, 40).Select(i => $"Paragraph {i} tells something of the harbour and of its ships."));
        string file = _folder.File("long.txt", System.Text.Encoding.UTF8.GetBytes(text));
        string[] read = ["read", file, "--chunks", "--chunk-tokens", "64", "--model",
            SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf")];
        JsonElement[] chunks = [.. Invocation.Of([.. read, "--json"]).IsDone().Json.GetProperty("chunks").EnumerateArray()];
        Assert.True(chunks.Length > 5);
        Assert.All(chunks, chunk => Assert.InRange(chunk.GetProperty("tokens").GetInt32(), 1, 64));
        Assert.Equal(text, string.Concat(chunks.Select(chunk => chunk.GetProperty("text").GetString())));
        Assert.Contains("long.txt, part 2: long", Invocation.Of(read).IsDone().Out, StringComparison.Ordinal);
    }
}
