namespace Kvasir.Cli.Tests;

/// <summary>
/// Every command that reads a file of text or a list, with ones that cannot be used. None of them gets as far as a model.
/// </summary>
public sealed class BadTextTests : IDisposable
{
    private static readonly byte[] Latin1 = [(byte)'c', (byte)'a', (byte)'f', 0xE9, (byte)'!'];
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Readers =>
        new("complete --file", "tokenize --file", "tokenize --decode --file", "embed --file", "ppl --file", "template --messages",
            "inspect");

    [Theory]
    [MemberData(nameof(Readers))]
    public void Missing_file_is_refused(string command) => Refused(command, _folder.Sub("none.txt"), "none.txt");

    [Theory]
    [MemberData(nameof(Readers))]
    public void Directory_is_refused(string command) =>
        Refused(command, Directory.CreateDirectory(_folder.Sub("folder")).FullName, "folder");

    [Theory]
    [MemberData(nameof(Readers))]
    public void Text_that_is_not_utf8_is_refused(string command) => Refused(command, _folder.File("latin1.txt", Latin1), "latin1.txt");

    [Theory]
    [InlineData("complete")]
    [InlineData("tokenize")]
    [InlineData("embed")]
    [InlineData("template", "--messages", "-")]
    public void Standard_input_that_is_not_utf8_is_refused(params string[] args) =>
        Invocation.With(Latin1, args).IsRefused("UTF-8 at byte 3");

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("[{\"role\":\"user\"}]")]
    [InlineData("[{\"role\":\"user\",\"content\":7}]")]
    [InlineData("")]
    public void Messages_of_another_form_are_refused(string json) =>
        Invocation.With(json, "template", "--messages", "-").IsRefused("standard input");

    [Theory]
    [InlineData("--window", "1")]
    [InlineData("--windows", "0")]
    [InlineData("--prefill", "0")]
    [InlineData("--score", "5")]
    [InlineData("--starts", "1,x")]
    [InlineData("--window", "8", "--prefill", "8")]
    [InlineData("--windows", "2", "--starts", "1")]
    public void Protocol_that_cannot_be_is_refused(params string[] options) =>
        Invocation.Of(["ppl", "--file", _folder.File("text.txt", "Some text."u8), .. options]).IsRefused(options[0]);

    [Theory]
    [InlineData("--repeat", "0")]
    [InlineData("--depth", "1,-2")]
    [InlineData("--depth", "")]
    public void Benchmark_that_cannot_be_is_refused(string option, string value) => Invocation.Of("bench", option, value).IsRefused(option);

    [Fact]
    public void Output_that_cannot_be_written_is_refused_before_the_work()
    {
        Invocation.Of("logits", "--ids", "1", "--out", _folder.Sub("none/l.safetensors")).IsRefused("there is no folder");
        Invocation.Of("logits", "--ids", "1", "--out", _folder.Path).IsRefused("a folder");
    }

    [Fact]
    public void Text_and_ids_exclude_each_other() => Invocation.Of("complete", "--prompt", "x", "--ids", "1").IsRefused("--ids");

    [Fact]
    public void Text_and_file_exclude_each_other() => Invocation.Of("tokenize", "x", "--file", "y").IsRefused("--file");

    public void Dispose() => _folder.Dispose();

    private static void Refused(string command, string file, string named) => Invocation.Of([.. command.Split(' '), file]).IsRefused(named);
}
