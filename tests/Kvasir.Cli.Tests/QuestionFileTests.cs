using System.Text.Json;

namespace Kvasir.Cli.Tests;

/// <summary>Files of many questions, and <c>ask --questions</c> up to where a model is needed.</summary>
public sealed class QuestionFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("What?\n\n  Why so?  \r\nNo newline", "1 What?|3 Why so?|4 No newline")]
    [InlineData(
        "{\"id\": \"q7\", \"question\": \" Who? \", \"answer\": {\"x\": [1]}}\n\n{\"question\": \"Where?\"}\n{\"id\": 12, \"question\": "
        + "\"When?\"}\n{\"id\": null, \"question\": \"How?\"}", "\"q7\" Who?|3 Where?|12 When?|5 How?")]
    [InlineData("\uFEFF{\"question\":\"Who?\"}", "1 Who?")]
    [InlineData("\"quoted\" words\n{not json}", "1 \"quoted\" words|2 {not json}")]
    public void Questions_are_read_with_their_ids(string text, string expected) =>
        Assert.Equal(
            expected,
            string.Join('|', QuestionFile.Parse(Encoding.UTF8.GetBytes(text), "f")
            .Select(question => $"{question.Id.ToJsonString()} {question.Text}")));

    [Theory]
    [InlineData("", "holds no questions")]
    [InlineData(" \n\n", "holds no questions")]
    [InlineData("{\"question\":\"a\"}\nplain", "line 2: not JSON")]
    [InlineData("{\"question\":\"a\"}\n\n[\"a\"]", "line 3: no text under \"question\"")]
    [InlineData("{\"question\":7}", "line 1: no text")]
    [InlineData("{\"question\":\" \"}", "line 1: no text")]
    [InlineData("{\"text\":\"a\"}", "line 1: no text")]
    [InlineData("{\"id\":[1],\"question\":\"a\"}", "line 1: \"id\" is neither")]
    [InlineData("{\"question\":\"\\ud800\"}", "line 1: not JSON")]
    [InlineData("{\"question\":\"a\"", "line 1: not JSON")]
    public void Bad_lines_are_named(string text, string message)
    {
        string path = _folder.File("questions.txt", Encoding.UTF8.GetBytes(text));
        Assert.Contains(message, Assert.Throws<InvalidInputException>(() => QuestionFile.Parse(Encoding.UTF8.GetBytes(text), "f")).Message,
            StringComparison.Ordinal);
        Invocation.Of("ask", "--questions", path).IsRefused(message);
        Invocation.With(text, "ask", "--questions", "-").IsRefused("standard input");
    }

    [Fact]
    public void Line_that_is_not_utf8_is_named() =>
        Assert.Contains("f, line 2: not valid UTF-8 at byte 1",
            Assert.Throws<InvalidInputException>(() =>
            QuestionFile.Parse("ab\n"u8.ToArray().Append((byte)'a').Append((byte)0xE9).Append((byte)'b').ToArray(), "f")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Deep_nesting_is_refused() =>
        Assert.Throws<InvalidInputException>(() =>
            QuestionFile.Parse(Encoding.UTF8.GetBytes("{\"question\":" + new string('[', 100_000)), "f"));

    [Theory]
    [InlineData("no such file", "--questions", "missing.txt")]
    [InlineData("--questions", "Why?", "--parallel", "3")]
    [InlineData("1 to 256", "--questions", "-", "--parallel", "0")]
    [InlineData("question")]
    public void Options_that_do_not_fit_are_refused(string message, params string[] options) =>
        Invocation.With("Why?", ["ask", .. options]).IsRefused(message);

    [SkippableFact]
    public void Stream_prints_an_object_for_each_question_and_a_summary()
    {
        string documents = Documents();
        string questions = _folder.File(
            "q.jsonl", Encoding.UTF8.GetBytes("{\"id\":\"a\",\"question\":\"How long is the river Corwood?\"}\n{\"question\":\""
            + string.Concat(Enumerable.Repeat("why ", 9000)) + "\"}\n{\"id\":3,\"question\":\"How many sailors has the Silver Gull?\"}"));
        Invocation run = Invocation.Of(
            ["ask", documents, "--questions", questions, "--max-tokens", "12", "--json", .. Models, "--store", _folder.Sub("store")]);
        Assert.Equal((ExitCode.Failed, ""), (run.Code, run.Error));
        JsonElement[] lines = [.. run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(["\"a\"", "2", "3"], lines[..3].Select(line => line.GetProperty("id").GetRawText()));
        Assert.Contains("context", lines[1].GetProperty("error").GetString(), StringComparison.Ordinal);
        JsonElement alone = Invocation.Of(
            ["ask", "How long is the river Corwood?", "--max-tokens", "12", "--json", .. Models, "--store", _folder.Sub("store")])
            .IsDone().Json;
        Assert.Equal(["id", "question", .. alone.EnumerateObject().Select(property => property.Name)], lines[0].EnumerateObject()
            .Select(property => property.Name));
        Assert.Equal(alone.GetProperty("sources").GetRawText(), lines[0].GetProperty("sources").GetRawText());

        JsonElement summary = Assert.Single(lines[3].EnumerateObject()).Value;
        Assert.Equal((3, 1), (summary.GetProperty("questions").GetInt32(), summary.GetProperty("errors").GetInt32()));
        Assert.Equal(1, summary.GetProperty("phases").EnumerateObject().Sum(phase => phase.Value.GetProperty("share").GetDouble()), 0.001);
        Assert.True(summary.GetProperty("cpuSecondsPerQuestion").GetDouble() > 0);
        Assert.True(summary.GetProperty("ttftMs").GetProperty("median").GetDouble() > 0);
    }

    [SkippableFact]
    public void Interrupted_stream_prints_what_is_answered_and_ends_with_130()
    {
        string documents = Documents();
        string questions = _folder.File(
            "q.txt", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 30).Select(i => $"How long is river {i}?\n"))));
        using var input = new MemoryStream();
        using var error = new StringWriter();
        using var output = new InterruptingWriter();
        using var terminal = new Terminal(input, output, error);
        output.Terminal = terminal;
        int code = CommandLine.Run(
            ["ask", documents, "--questions", questions, "--max-tokens", "4", "--parallel", "2", .. Models, "--store",
            _folder.Sub("store")], terminal);
        Assert.Equal((ExitCode.Interrupted, ""), (code, error.ToString()));
        Assert.StartsWith("How long is river 0?", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("river 9", output.ToString(), StringComparison.Ordinal);
        Assert.Matches(@"\n\d questions in .* CPU seconds a question: .* tokens reused, ", output.ToString().ReplaceLineEndings("\n")
            .Replace("\n\n", "\n", StringComparison.Ordinal).Replace("ms)\n", "ms) ", StringComparison.Ordinal)
            .Replace("%\n", "% ", StringComparison.Ordinal));
    }

    public void Dispose() => _folder.Dispose();

    private static string[] Models =>
        ["--model", SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"), "--embedder",
            SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf"), "--threads", "1"];

    private string Documents()
    {
        _ = Models;
        return _folder.File("river.md", "# The Corwood\n\nThe river Corwood is 310 km long. The Silver Gull is a ship with 59 sailors."u8);
    }

    /// <summary>Asks for an end as soon as the first line is printed.</summary>
    private sealed class InterruptingWriter : StringWriter
    {
        public Terminal? Terminal { get; set; }

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (Terminal?.Interrupted.IsCancellationRequested == false) Terminal.Interrupt();
        }
    }
}
