namespace Kvasir.Cli.Tests;

/// <summary>Messages and commands of <c>chat</c>, from lines.</summary>
public class ChatInputTests
{
    [Theory]
    [InlineData("one|two", "one|two")]
    [InlineData("\"\"\"|first|second|\"\"\"|next", "first\nsecond|next")]
    [InlineData("\"\"\"first|second\"\"\"|next", "first\nsecond|next")]
    [InlineData("\"\"\"one line\"\"\"|next", "one line|next")]
    [InlineData("\"\"\"never|closed", "never\nclosed")]
    [InlineData("/system \"\"\"Be brief.|Be kind.\"\"\"|next", "/system Be brief.\nBe kind.|next")]
    [InlineData("what does \"\"\" mean?|next", "what does \"\"\" mean?|next")]
    [InlineData("//usr/bin|/kv", "//usr/bin|/kv")]
    public void Lines_become_messages(string lines, string messages) => Assert.Equal(messages.Split('|'), Read(lines.Split('|')));

    [Theory]
    [InlineData("a\e[31mred\e[0m\ab\0c\x7f\u009bd", "aredbcd")]
    [InlineData("tab\tand\r\nlines\u0085next", "tab\tand\nlines\nnext")]
    public void Control_characters_do_not_get_into_messages(string line, string message) => Assert.Equal([message], Read(line));

    [Fact]
    public void Half_characters_and_titles_do_not_either() =>
        Assert.Equal(["half  and whole 😀"], Read("\e]0;title\ahalf \ud83d and whole 😀"));

    [Fact]
    public void Text_of_several_lines_may_hold_the_whole_block() => Assert.Equal(["a\nb", "c"], Read("\"\"\"\na\nb\n\"\"\"", "c"));

    private static List<string> Read(params string[] lines)
    {
        var queue = new Queue<string>(lines);
        var input = new ChatInput(_ => queue.TryDequeue(out string? line) ? line : null);
        var messages = new List<string>();
        while (input.Next() is string message) messages.Add(message);
        return messages;
    }
}
