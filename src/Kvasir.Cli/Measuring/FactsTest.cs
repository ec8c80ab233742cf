namespace Kvasir.Cli.Measuring;

/// <summary>Share of the questions about given documents that are answered right, from stored or recomputed KV.</summary>
/// <param name="Right">Questions answered right.</param>
/// <param name="Items">Questions.</param>
/// <param name="Wrong">Names of those answered wrong.</param>
/// <param name="KvBytes">Stored keys and values of the longest context; 0 where all was recomputed.</param>
/// <param name="ContextTokens">Its tokens.</param>
/// <param name="MeanTokens">Tokens of a context, on average.</param>
/// <param name="MeanRepaired">Of these, computed anew in place.</param>
internal sealed record FactsTest(
    int Right, int Items, IReadOnlyList<string> Wrong, long KvBytes, int ContextTokens, double MeanTokens, double MeanRepaired)
{
    public double Accuracy => (double)Right / Items;

    /// <summary>Asks all questions.</summary>
    /// <param name="library">The library; its store takes the documents.</param>
    /// <param name="data">Documents and questions.</param>
    /// <param name="retrieve">Documents are found by retrieval, as <c>ask</c> does, and not given.</param>
    /// <param name="withPrefix">The answer's first words are given (form H), else not (form G), with more tokens to answer.</param>
    /// <param name="options">Reuse and repair.</param>
    /// <param name="terminal">Shows how far it is.</param>
    public static FactsTest Run(
        DocumentLibrary library, FactsData data, bool retrieve, bool withPrefix, AskOptions options, Terminal terminal)
    {
        library.Ingest([data.Documents], cancellation: terminal.Interrupted);
        ILookup<string, Passage> chunks = library.Chunks(data.Documents).ToLookup(chunk => chunk.DocumentId!, StringComparer.Ordinal);
        using var progress = new ProgressLine(terminal, "facts");
        var wrong = new List<string>();
        (long bytes, int longest, long tokens, long repaired) = (0, 0, 0, 0);
        foreach ((int i, Fact fact) in data.Facts.Index())
        {
            AskOptions asking = options with { MaxTokens = withPrefix ? 8 : 20, AnswerPrefix = withPrefix ? fact.AnswerPrefix : "" };
            // The most important passage comes first there and is placed last; a given order is kept by turning it round.
            Answer answer = retrieve
                ? library.Ask(fact.Question, asking, terminal.Interrupted)
                : library.Ask(fact.Question, [.. fact.Context.Reverse().SelectMany(id => Given(chunks, id, fact).Reverse())],
                    asking with { Instruction = "", Quotes = 0 }, terminal.Interrupted);
            if (!fact.IsAnsweredBy(answer.Complete())) wrong.Add(fact.Id);
            int context = answer.ReusedTokens + answer.RecomputedTokens;
            (bytes, longest) = (Math.Max(bytes, answer.KvBytesLoaded), Math.Max(longest, context));
            (tokens, repaired) = (tokens + context, repaired + answer.RepairedTokens);
            progress.Report(i + 1, data.Facts.Count, $"{i + 1 - wrong.Count} of {i + 1} right");
        }

        int items = data.Facts.Count;
        return new FactsTest(items - wrong.Count, items, wrong, bytes, longest, (double)tokens / items, (double)repaired / items);
    }

    private static IEnumerable<Passage> Given(ILookup<string, Passage> chunks, string id, Fact fact) =>
        chunks.Contains(id) ? chunks[id]
            : throw new InvalidInputException($"the context of question {fact.Id} names the document {id}, which is not in docs.jsonl");
}
