using Kvasir.Vision;

namespace Kvasir.Cli.Measuring;

/// <summary>
/// Questions about pictures whose KV is stored as a document's is: computed once behind the prompt's prefix, placed behind another text
/// where one is given, or the whole prompt computed for comparison.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="encoder">What shows pictures to it.</param>
/// <param name="policy">How keys and values are kept.</param>
/// <param name="recompute">Everything is computed anew.</param>
/// <param name="behind">A text file whose first chunk stands before each picture, or null.</param>
/// <param name="terminal">Shows how far it is.</param>
internal sealed class StoredVqaTest(Model model, ImageEncoder encoder, KvPolicy policy, bool recompute, string? behind, Terminal terminal)
{
    /// <summary>The questions of one type.</summary>
    /// <param name="label">What is shown while they are asked.</param>
    /// <param name="questions">The questions.</param>
    public RetrievalTest Run(string label, IReadOnlyList<VqaQuestion> questions)
    {
        using var folder = new TemporaryStore();
        using var library = DocumentLibrary.Open(
            folder.Path, model, encoder: null, new LibraryOptions { Policy = policy, Images = encoder });
        string[] texts = behind is null ? [] : [behind];
        library.Ingest([.. texts, .. questions.Select(question => question.Image).Distinct()], cancellation: terminal.Interrupted);
        Passage[] before = [.. texts.SelectMany(text => library.Chunks(text).Take(1))];
        using var progress = new ProgressLine(terminal, label);
        var wrong = new List<string>();
        (long bytes, int tokens) = (0, 0);
        foreach ((int i, VqaQuestion question) in questions.Index())
        {
            var options = new AskOptions
            {
                Instruction = "",
                MaxTokens = model.Tokenizer.Encode(question.Answer).Length + 1,
                Recompute = recompute,
            };
            // The first passage is placed last, next to the question.
            Answer answer = library.Ask(question.Question, [.. library.Chunks(question.Image), .. before], options, terminal.Interrupted);
            if (answer.Complete() != question.Answer || answer.FinishReason != "stop") wrong.Add(question.Name);
            (bytes, tokens) = (Math.Max(bytes, answer.KvBytesLoaded), Math.Max(tokens, answer.ReusedTokens + answer.RecomputedTokens));
            progress.Report(i + 1, questions.Count, $"{i + 1 - wrong.Count} of {i + 1} right");
        }

        int right = questions.Count - wrong.Count;
        return new RetrievalTest(right, right, questions.Count, bytes, tokens * model.CacheLayout.BytesPerTokenF16, wrong);
    }
}
