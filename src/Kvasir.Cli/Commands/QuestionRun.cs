using System.Text.Json.Nodes;

namespace Kvasir.Cli.Commands;

/// <summary>Answers many questions and prints each answer, in the order of the questions, and what all of them took.</summary>
internal sealed class QuestionRun(IReadOnlyList<Question> questions, bool json, bool showSources, Terminal terminal)
{
    private readonly List<Answer> _answers = [];
    private readonly AskCosts _costs = new();

    /// <summary>The exit code: 1 where a question could not be answered. Interrupted, it prints and sums up what is answered.</summary>
    public int Of(DocumentLibrary library, AskOptions options, int parallel)
    {
        using var progress = new ProgressLine(terminal, "questions");
        try
        {
            foreach (Answer answer in library.AskAll(questions.Select(question => question.Text),
                options, parallel, _costs, terminal.Interrupted))
            {
                progress.Dispose();
                Print(questions[answer.Index], answer, library.Store);
                progress.Report(_answers.Count, questions.Count);
            }
        }
        catch (OperationCanceledException) when (terminal.Interrupted.IsCancellationRequested)
        {
            // What is answered is still summed up.
        }

        progress.Dispose();
        var summary = new QuestionSummary(_answers, _costs);
        if (json) terminal.WriteJson(new { Summary = summary.Figures() });
        else summary.Print(terminal);
        return _answers.Any(answer => answer.Error is not null) ? ExitCode.Failed : ExitCode.Done;
    }

    private void Print(Question question, Answer answer, DocumentStore store)
    {
        _answers.Add(answer);
        if (json) PrintJson(question, answer, store);
        else PrintText(question, answer);
    }

    private void PrintJson(Question question, Answer answer, DocumentStore store)
    {
        var line = new JsonObject { ["id"] = question.Id.DeepClone(), ["question"] = question.Text };
        JsonObject rest = Json.ToObject(answer.Error is { } error ? new { Error = error } : AskCommand.Figures(answer, showSources, store));
        foreach ((string name, JsonNode? value) in rest) line[name] = value?.DeepClone();
        terminal.WriteJson(line);
    }

    private void PrintText(Question question, Answer answer)
    {
        terminal.Out.WriteLine(TerminalText.Line(question.Text));
        terminal.Out.WriteLine(answer.Error is { } error
            ? $"  not answered: {TerminalText.Line(error)}"
            : $"  {TerminalText.Block(answer.Text.Trim()).ReplaceLineEndings(Environment.NewLine + "  ")}");
        if (answer.IsDoubtful) terminal.Out.WriteLine(AskCommand.Doubt);
        if (AskCommand.Cut(answer) is string cut) terminal.Out.WriteLine($"  ({cut})");
        if (showSources) new SourceList(answer.Sources, showTexts: true).Print(terminal.Out);
        else if (answer.Sources.Count > 0)
            terminal.Out.WriteLine(
                $"  [{string.Join("; ", answer.Sources.Select(source => SourceList.Place(source, Path.GetFileName(source.File))))}]");
        terminal.Out.WriteLine();
    }
}
