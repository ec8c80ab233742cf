namespace Kvasir.Cli.Commands;

/// <summary>The options of <c>ask</c> for many questions.</summary>
internal sealed class QuestionOptions(ExampleCommand command)
{
    private readonly Option<string?> _file = command.Option<string?>(
        "--questions", "FILE",
        "A file of questions (- for standard input) instead of one: one a line, or JSON Lines with \"question\" and, if wanted, \"id\". "
        + "Several are answered at a time. --json prints a line for each, in their order: id (or the number of its line), question, and "
        + "what one question gives, or \"error\"; then {\"summary\": {questions, errors, seconds, questionsPerSecond, "
        + "cpuSecondsPerQuestion, phases {cpuSecondsPerQuestion, share of each}, tokens, kvBytesLoaded, ttftMs {mean, median}}}. "
        + "Exit code 1 where one could not be answered");

    private readonly Option<int?> _parallel = command.Option<int?>(
        "--parallel", "N", "Questions answered at a time, with --questions (default: 16; 1: one after another)").InRange(1, 256);

    /// <summary>The questions, or null where there is no such file.</summary>
    /// <exception cref="InvalidInputException">They cannot be read, or the options do not fit.</exception>
    public IReadOnlyList<Question>? Read(ParseResult parsed, Terminal terminal)
    {
        string? file = parsed.GetValue(_file);
        if (file is null && parsed.GetValue(_parallel) is not null)
            throw new InvalidInputException("--parallel is for many questions; name their file with --questions");
        return file switch
        {
            null => null,
            "-" => QuestionFile.Parse(TextInput.ReadBytes(terminal.In), "standard input"),
            _ => QuestionFile.Parse(TextInput.ReadBytes(file), file),
        };
    }

    public int Parallel(ParseResult parsed) => parsed.GetValue(_parallel) ?? 16;
}
