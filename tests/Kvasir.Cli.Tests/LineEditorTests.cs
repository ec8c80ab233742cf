using Spectre.Console;

namespace Kvasir.Cli.Tests;

/// <summary>Typing at a prompt: keys as a terminal sends them, with <c>¦</c> where nothing more waits to be read.</summary>
public class LineEditorTests
{
    private const string Left = "\e[D", Right = "\e[C", Up = "\e[A", Down = "\e[B", Home = "\x01", End = "\x05";

    [Theory]
    [InlineData("hello\r", "hello")]
    [InlineData("helo" + Left + "l\r", "hello")]
    [InlineData("bc" + Home + "a" + End + "d\r", "abcd")]
    [InlineData("abc\b\x7f\r", "a")]
    [InlineData("abc" + Home + "\x04\r", "bc")]
    [InlineData("one two three\x17\r", "one two ")]
    [InlineData("one two\eb\eb" + Right + "X\r", "oXne two")]
    [InlineData("one two" + Left + Left + Left + "\x0b\r", "one ")]
    [InlineData("one two" + Left + Left + Left + "\x15\r", "two")]
    [InlineData("a\e\rb\r", "a\nb")]
    public void Keys_edit_the_text(string keys, string expected) => Assert.Equal(expected, Typed(keys)[0]);

    [Theory]
    [InlineData("你好" + Left + "x\r", "你x好")]
    [InlineData("a😀\bb\r", "ab")]
    [InlineData("e\u0301x" + Left + Left + "y\r", "ye\u0301x")]
    [InlineData("👩‍👩‍👧\b!\r", "!")]
    public void A_character_is_what_a_reader_sees_as_one(string keys, string expected) => Assert.Equal(expected, Typed(keys)[0]);

    [Theory]
    [InlineData("\e[200~one\rtwo\r\nthree\n\tfour\e[201~\r", "one\ntwo\nthree\n\tfour")]
    [InlineData("say \e[200~red \e[31mtext\e[0m\a\e[201~!\r", "say red text!")]
    [InlineData("\e[200~/kv\rx\e[201~\r", "/kv\nx")]
    public void Marked_paste_is_one_text(string keys, string expected) =>
        Assert.Equal([expected], Typed(keys.Replace("\r\n", "\r¦\n", StringComparison.Ordinal)));

    [Fact]
    public void Lines_that_arrive_at_once_are_one_text() => Assert.Equal(["one\ntwo\nthree", "four"], Typed("one\rtwo\rthree\r¦four\r"));

    [Fact]
    public void Command_ends_with_its_line() => Assert.Equal(["/kv", "//x\ny"], Typed("/kv\r//x\ry\r"));

    [Fact]
    public void History_brings_back_earlier_texts_and_what_was_begun() =>
        Assert.Equal(["one", "two", "one", "tw!"], Typed($"one\r¦two\r¦{Up}{Up}\r¦tw{Up}{Up}{Down}{Down}{Down}!\r"));

    [Fact]
    public void Cursor_moves_between_the_lines_of_a_text() => Assert.Equal(["a!\nb"], Typed($"a\e\rb{Up}!\r"));

    [Fact]
    public void Control_d_on_an_empty_line_is_the_end_and_control_c_leaves()
    {
        Assert.Equal(["x"], Typed("x\r¦\x04"));
        Assert.Throws<OperationCanceledException>(() => Typed("some text\x03"));
    }

    [Fact]
    public void What_is_drawn_never_passes_the_width_and_the_cursor_stands_behind_wide_characters()
    {
        var screen = new StringWriter();
        Typed("你好世界你好世界你好¦" + Left + "¦\r", screen, (12, 5));
        string[] frames = screen.ToString().Split("\e[J");
        Assert.All(frames.SelectMany(frame => frame.Split("\r\n")), row => Assert.InRange(Plain(row).GetCellWidth(), 0, 11));
        Assert.StartsWith("> 你好世界\r\n  你好世界\r\n  你好\r\e[6C", frames[1], StringComparison.Ordinal);
        Assert.StartsWith("> 你好世界\r\n  你好世界\r\n  你好\r\e[4C", frames[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Long_text_is_drawn_in_a_window_of_the_terminal_height()
    {
        var screen = new StringWriter();
        Typed("\e[200~1\r2\r3\r4\r5\r6\e[201~¦\r", screen, (20, 3));
        Assert.All(screen.ToString().Split("\e[J").Skip(1), frame => Assert.InRange(frame.Split("\r\n").Length, 1, 4));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Terminal_without_a_usable_width_is_drawn_on(int columns) =>
        Assert.Equal(["some text"], Typed("some text¦\r", size: (columns, 0)));

    private static string Plain(string row) => System.Text.RegularExpressions.Regex.Replace(row, @"\e\[[0-9?]*[A-Za-z]|\r", "");

    private static List<string> Typed(string keys, TextWriter? screen = null, (int, int)? size = null)
    {
        int at = 0;
        var editor = new LineEditor(screen ?? TextWriter.Null, () => at < keys.Length && keys[at] != '¦', Read, () => size ?? (80, 24));
        var texts = new List<string>();
        while (at < keys.Length && editor.ReadLine("> ") is string text) texts.Add(text);
        return texts;

        ConsoleKeyInfo Read()
        {
            while (keys[at] == '¦') at++;
            foreach ((string sequence, ConsoleKey key) in new[] { (Left, ConsoleKey.LeftArrow), (Right, ConsoleKey.RightArrow),
                (Up, ConsoleKey.UpArrow), (Down, ConsoleKey.DownArrow) })
            {
                if (string.CompareOrdinal(keys, at, sequence, 0, sequence.Length) != 0) continue;
                at += sequence.Length;
                return new ConsoleKeyInfo('\0', key, false, false, false);
            }

            return new ConsoleKeyInfo(keys[at++], default, false, false, false);
        }
    }
}
