using Kvasir.Vision.Pictures;

namespace Kvasir.Cli.Commands;

/// <summary><c>ask</c>: the main job, an answer from documents.</summary>
internal static class AskCommand
{
    /// <summary>What is said beside an answer whose passages fit the question only loosely.</summary>
    internal const string Doubt = "(these passages fit the question only loosely: the documents may not hold the answer)";

    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "ask",
            "Answer a question from documents. New and changed ones are taken in first; their KV is computed once and reused.",
            "kvasir ask notes.md report.html \"What was decided about the budget?\"",
            "kvasir ask --image photo.jpg \"What is in the picture?\"",
            "kvasir ask \"And who is responsible?\"",
            "kvasir ask handbook/ --questions questions.txt --json");
        var words = command.Argument<string[]>(
            "[docs...] question",
            "Files and folders (none: everything in the store), and last the question (not with --questions)", ArgumentArity.ZeroOrMore);
        Option<string[]> images = ImageOptions.Pictures(command);
        var passages = command.Option<int?>(
            "--passages -k", "N", "Chunks to answer from (default: up to 5, without those far weaker than the best)").InRange(1, 1000);
        var quotes = command.Option<int?>(
            "--quotes", "N",
            "Sentences of the passages that are said again before the question, those that share most words with it (default: 1 for small "
            + "models, 2 for tiny ones, else none)").InRange(0, 100);
        var maxTokens = command.Option("--max-tokens -n", "N", "Tokens of the answer, at most", 256).InRange(1, int.MaxValue);
        Option<int> draftTokens = SamplingOptions.DraftOption(command, new AskOptions().DraftTokens);
        var recompute = command.Flag("--recompute", "Compute the whole prompt anew instead of reusing stored KV, for comparison");
        var minScore = command.Option<float?>(
            "--min-score", "X",
            "Cosine that the best passage or sentence must have with the question; below it the answer is that nothing relevant was "
            + "found (default: by what the documents hold, or 0 with --passages; 0: answer in any case)").InRange(0, 1);
        var showSources = command.Flag("--show-sources", "Print the passages that the answer is made from");
        var many = new QuestionOptions(command);
        var placing = new PlacingOptions(command);
        var library = new LibraryChoice.Options(command, placing);
        var emphasis = new EmphasisOptions(command);
        var terms = command.Flag("--emphasise-terms", "Emphasise the sentences of the passages that share most words with the question");
        CommonOptions common = CommonOptions.ForDocuments(command);
        return command.Returns(parsed =>
        {
            string[] given = parsed.GetValue(words)!;
            IReadOnlyList<Question>? questions = many.Read(parsed, terminal);
            if (questions is null && given.Length == 0)
                throw new InvalidInputException("no question was given; put it last, or name a file of questions with --questions");
            string[] documents = questions is null ? given[..^1] : given;
            if (questions is null && Path.Exists(given[^1]))
                throw new InvalidInputException($"{given[^1]}: a file or folder stands where the question should; put the question last");
            string[] pictures = parsed.GetValue(images) ?? [], all = [.. documents, .. pictures];
            CheckPictures(pictures);
            using LibraryChoice open = library.Open(parsed, common, terminal, all);
            if (all.Length > 0) Refresh(open, all, terminal);
            var options = new AskOptions
            {
                Passages = parsed.GetValue(passages),
                Quotes = parsed.GetValue(quotes),
                MinScore = parsed.GetValue(minScore) ?? (pictures.Length > 0 ? 0 : null),
                MaxTokens = parsed.GetValue(maxTokens),
                DraftTokens = parsed.GetValue(draftTokens),
                Recompute = parsed.GetValue(recompute),
                Repair = placing.Repair(parsed),
                Emphasis = open.Emphasis(emphasis, parsed, parsed.GetValue(terms)),
                EmphasiseTerms = parsed.GetValue(terms),
                Within = all.Length > 0 ? all : null,
            };
            bool texts = parsed.GetValue(showSources);
            if (questions is not null)
                return new QuestionRun(questions, common.Json(parsed), texts, terminal).Of(open.Library, options, many.Parallel(parsed));
            Answer answer = pictures.Length == 0 ? open.Library.Ask(given[^1], options, terminal.Interrupted)
                : open.Library.Ask(given[^1], Shown(open.Library, pictures, documents, given[^1], options), options, terminal.Interrupted);
            if (!common.Json(parsed)) Print(answer, texts, terminal);
            else
            {
                answer.Complete();
                terminal.WriteJson(Figures(answer, texts, open.Library.Store));
            }

            return ExitCode.Done;
        });
    }

    /// <exception cref="InvalidInputException">A file is of another kind, so it would be read as a document.</exception>
    private static void CheckPictures(string[] files)
    {
        string? other = Array.Find(
            files, file => !PictureReader.Extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase));
        if (other is not null)
            throw new InvalidInputException($"{other}: not a picture; --image takes {string.Join(", ", PictureReader.Extensions)}");
    }

    /// <summary>The pictures that were named, next to the question, and before them what the documents say.</summary>
    private static IReadOnlyList<Passage> Shown(
        DocumentLibrary library, string[] pictures, string[] documents, string question, AskOptions options) =>
        [.. pictures.SelectMany(library.Chunks),
            .. documents.Length == 0 ? [] : library.Search(question, options.Passages ?? 1, documents)];

    private static void Refresh(LibraryChoice open, string[] documents, Terminal terminal)
    {
        if (open.Refresh(documents, terminal) is not { } report) return;
        SkippedReport.Write(report, terminal.Note);
        if (report.Documents > 0) return;
        string why = report.Skipped.Count > 0 ? $" ({report.Skipped[0].Path}: {report.Skipped[0].Reason})" : "";
        throw new InvalidInputException($"{string.Join(", ", documents)}: nothing in it can be read as text{why}");
    }

    /// <summary>From the start of the process: what somebody who typed the command has waited for.</summary>
    private static TimeSpan SinceStart(DateTime moment)
    {
        using var process = Process.GetCurrentProcess();
        return moment - process.StartTime.ToUniversalTime();
    }

    /// <summary>What <c>--json</c> says of an answer.</summary>
    internal static object Figures(Answer answer, bool showSources, DocumentStore store) => new
    {
        Answer = answer.Text.Trim(),
        Doubtful = answer.IsDoubtful,
        Sources = new SourceList(answer.Sources, showSources).Json(),
        Tokens = new
        {
            Reused = answer.ReusedTokens,
            Recomputed = answer.RecomputedTokens,
            Repaired = answer.RepairedTokens,
            Converted = answer.ConvertedTokens,
            Question = answer.QuestionTokens,
            Generated = answer.GeneratedTokens,
        },
        TtftMs = Units.Rounded(answer.TimeToFirstToken.TotalMilliseconds),
        WallMs = answer.FirstTokenAt is { } first ? Units.Rounded(SinceStart(first).TotalMilliseconds) : (double?)null,
        TotalMs = Units.Rounded(answer.TotalTime.TotalMilliseconds),
        RecomputeMs = answer.RecomputeTime is { } time ? Units.Rounded(time.TotalMilliseconds) : (double?)null,
        answer.KvBytesLoaded,
        answer.FinishReason,
        Warnings = store.Warnings.Select(warning => warning.Problem),
    };

    private static void Print(Answer answer, bool showSources, Terminal terminal)
    {
        bool begun = false;
        foreach (string piece in answer)
        {
            string text = begun ? piece : piece.TrimStart();
            begun |= text.Length > 0;
            terminal.Out.Write(TerminalText.Block(text));
        }

        terminal.Out.WriteLine();
        terminal.Out.WriteLine();
        if (answer.FinishReason == "irrelevant")
        {
            terminal.Out.WriteLine("(--min-score 0 answers from the best passages in any case)");
            return;
        }

        if (answer.IsDoubtful) terminal.Out.WriteLine(Doubt);
        if (Cut(answer) is string cut) terminal.Out.WriteLine($"({cut})");
        new SourceList(answer.Sources, showSources).Print(terminal.Out);
        string waited = answer.FirstTokenAt is { } first ? $", {Units.Milliseconds(SinceStart(first))} from the start" : "";
        string compared = answer.RecomputeTime is { } time ? $"; computing all anew would take about {Units.Milliseconds(time)}" : "";
        string converted = answer.ConvertedTokens > 0 ? $" ({answer.ConvertedTokens} of them converted from another policy)" : "";
        terminal.Out.WriteLine($"{Units.Count(answer.ReusedTokens, "token")} reused{converted}, "
            + $"{answer.RecomputedTokens + answer.QuestionTokens} computed; first token after "
            + $"{Units.Milliseconds(answer.TimeToFirstToken)}{waited}{compared}");
    }

    /// <summary>Why the model did not end the answer itself; null where it did.</summary>
    internal static string? Cut(Answer answer) => answer.FinishReason switch
    {
        "length" => $"the answer was cut after {answer.GeneratedTokens} tokens; --max-tokens N allows more",
        "context" => "the answer was cut: the model's context is full; fewer passages (-k N) leave more room",
        "repetition" => "the answer was ended when it repeated itself",
        _ => null,
    };
}
