using System.Text.Json;
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
        foreach ((string place, JsonElement line) in Lines(Path.Combine(folder, "contexts.jsonl")))
            contexts[Text(line, "id", place)] = Texts(line, $"k{documentsEach}", place);
        var facts = new List<Fact>();
        foreach ((string place, JsonElement line) in Lines(Path.Combine(folder, "questions.jsonl")))
        {
            string id = Text(line, "id", place);
            if (!contexts.TryGetValue(id, out IReadOnlyList<string>? context))
                throw new InvalidInputException($"{place}: the question {id} is not in contexts.jsonl");
            facts.Add(
                new Fact(id, Text(line, "question", place), Text(line, "answer", place), Text(line, "answer_prefix", place), context));
            if (facts.Count == limit) break;
        }
        string documents = Path.Combine(folder, "docs.jsonl");
        return new FactsData(File.Exists(documents) ? documents : throw new InvalidInputException($"{documents} does not exist"), facts);
    }

    internal static string Normalised(string text) =>
        $" {string.Join(' ', Punctuation().Replace(text.ToLowerInvariant(), " ").Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(word => word is not ("a" or "an" or "the")))} ";

    private static IEnumerable<(string Place, JsonElement Line)> Lines(string file)
    {
        foreach ((int index, string line) in TextInput.ReadFile(file).Split('\n').Index())
        {
            if (line.AsSpan().IsWhiteSpace()) continue;
            string place = $"{file}, line {index + 1}";
            yield return (place, Parse(line, place));
        }
    }

    private static JsonElement Parse(string line, string place)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.Clone() : throw new InvalidInputException($"{place}: not a JSON object");
        }
        catch (JsonException problem)
        {
            throw new InvalidInputException($"{place}: not JSON ({problem.Message})", problem);
        }
    }

    private static string Text(JsonElement line, string name, string place) =>
        line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()! : throw new InvalidInputException($"{place}: no text under \"{name}\"");

    private static string[] Texts(JsonElement line, string name, string place) =>
        line.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array
            && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. list.EnumerateArray().Select(item => item.GetString()!)]
            : throw new InvalidInputException($"{place}: no list of document ids under \"{name}\"");

    [GeneratedRegex(@"[!-/:-@\[-`{-~\s]", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Punctuation();
}
