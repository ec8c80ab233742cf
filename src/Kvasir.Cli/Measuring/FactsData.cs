using System.Text.RegularExpressions;

namespace Kvasir.Cli.Measuring;

/// <summary>A question about one of the documents, with the documents that are to stand before it.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Question">The question.</param>
/// <param name="Answer">What is right.</param>
/// <param name="AnswerPrefix">How a sentence that gives the answer begins.</param>
/// <param name="Context">The ids of the documents, in their order.</param>
internal sealed record Fact(string Id, string Question, string Answer, string AnswerPrefix, IReadOnlyList<string> Context)
{
    /// <summary>Whether a text contains the answer as whole words: lower case, punctuation as spaces, without articles.</summary>
    public bool IsAnsweredBy(string text) => FactsData.Normalised(text).Contains(FactsData.Normalised(Answer), StringComparison.Ordinal);
}

/// <summary>Documents and questions from a folder with docs.jsonl, questions.jsonl and contexts.jsonl.</summary>
internal sealed partial class FactsData
{
    private FactsData(string documents, IReadOnlyList<Fact> facts) => (Documents, Facts) = (documents, facts);

    /// <summary>The file of the documents.</summary>
    public string Documents { get; }

    public IReadOnlyList<Fact> Facts { get; }

    /// <param name="folder">The folder.</param>
    /// <param name="documentsEach">Documents before each question: as many as a list of contexts.jsonl has.</param>
    /// <param name="limit">Only the first questions; all where null.</param>
    /// <exception cref="InvalidInputException">A file is missing or not of that form.</exception>
    public static FactsData Read(string folder, int documentsEach, int? limit)
    {
        var contexts = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (JsonRecord line in JsonRecord.ReadLines(Path.Combine(folder, "contexts.jsonl")))
            contexts[line.Text("id")] = line.Texts($"k{documentsEach}");
        var facts = new List<Fact>();
        foreach (JsonRecord line in JsonRecord.ReadLines(Path.Combine(folder, "questions.jsonl")))
        {
            string id = line.Text("id");
            if (!contexts.TryGetValue(id, out IReadOnlyList<string>? context))
                throw new InvalidInputException($"{line.Place}: the question {id} is not in contexts.jsonl");
            facts.Add(new Fact(id, line.Text("question"), line.Text("answer"), line.Text("answer_prefix"), context));
            if (facts.Count == limit) break;
        }
        string documents = Path.Combine(folder, "docs.jsonl");
        return new FactsData(File.Exists(documents) ? documents : throw new InvalidInputException($"{documents} does not exist"), facts);
    }

    internal static string Normalised(string text) =>
        $" {string.Join(' ', Punctuation().Replace(text.ToLowerInvariant(), " ").Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(word => word is not ("a" or "an" or "the")))} ";

    [GeneratedRegex(@"[!-/:-@\[-`{-~\s]", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Punctuation();
}
