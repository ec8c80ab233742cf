namespace Kvasir.Cli.Tests;

/// <summary>Names and texts of others never steer the terminal.</summary>
public class TerminalTextTests
{
    [Theory]
    [InlineData("plain – ünïcödé 日本 👍", "plain – ünïcödé 日本 👍")]
    [InlineData("a\r\nb\nc\rd\u2028e\u0085f\fg\th", "a b c d e f g h")]
    [InlineData("red\u001b[31m\u009b1m\u0007\0\u007f\v", "red\uFFFD[31m\uFFFD1m\uFFFD\uFFFD\uFFFD\uFFFD")]
    [InlineData("gpj\u202Eexe.\u2066x\u2069", "gpj\uFFFDexe.\uFFFDx\uFFFD")]
    [InlineData("می\u200Cخواهم \u200Fא", "می\u200Cخواهم \u200Fא")]
    public void One_line_holds_nothing_that_controls_a_terminal(string text, string shown) => Assert.Equal(shown, TerminalText.Line(text));

    [Fact]
    public void Error_of_a_large_file_is_one_short_line()
    {
        using var folder = new TemporaryFolder();
        string json = "[fxlse, " + string.Join(", ", Enumerable.Range(0, 100_000)) + "]";
        Invocation refused = Invocation.Of("template", "--messages", folder.File("large.json", json));
        refused.IsRefused("large.json");
        Assert.InRange(refused.Error.Length, 50, 2000);
    }

    [Fact]
    public void Block_keeps_lines_and_tabs() => Assert.Equal("a\n\tb\n\uFFFD[2J", TerminalText.Block("a\r\n\tb\n\u001b[2J"));

    [Theory]
    [InlineData("inspect", "no\u001b]0;title\u0007such.gguf")]
    [InlineData("complete", "--prompt", "x", "--kv", "\u001b[2J=\u009b1m")]
    [InlineData("--\u001b[31m")]
    public void Errors_name_hostile_names_without_their_control_characters(params string[] args)
    {
        Invocation refused = Invocation.Of(args);
        refused.IsRefused("\uFFFD");
        Assert.DoesNotContain(refused.Error.TrimEnd('\r', '\n'), char.IsControl);
    }
}
