using System.Text.Json;

namespace Kvasir.Documents.Tests;

/// <summary>The documents that a new user tries first.</summary>
public sealed class SamplesTests
{
    private static readonly string s_folder = Path.Combine(SharedData.ProjectRoot(), "samples");

    private static readonly JsonElement[] s_questions =
        [.. File.ReadLines(
            Path.Combine(SharedData.ProjectRoot(), "tests/Kvasir.Documents.Tests/sample-questions.jsonl"))
                .Select(line => JsonDocument.Parse(line).RootElement)];

    private static string[] Files => [.. Directory.GetFiles(s_folder).Select(path => Path.GetFileName(path)!).Order()];

    [Fact]
    public void Every_answer_stands_once_in_the_text_of_its_document_and_in_no_question()
    {
        Assert.Equal(15, s_questions.Select(question => question.GetProperty("id").GetString()).Distinct().Count());
        foreach (JsonElement question in s_questions)
        {
            string answer = question.GetProperty("answer").GetString()!, file = question.GetProperty("file").GetString()!;
            Assert.True(Text(file).Split(answer).Length == 2, $"{file}: {answer}");
            Assert.DoesNotContain(answer, question.GetProperty("question").GetString()!, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void There_are_ten_documents_in_six_formats_and_each_is_asked_about()
    {
        Assert.Equal(10, Files.Length);
        Assert.Equal([".csv", ".docx", ".html", ".md", ".pdf", ".txt"], Files.Select(Path.GetExtension).Distinct().Order());
        Assert.Equal(Files, s_questions.Select(question => question.GetProperty("file").GetString()!).Distinct().Order());
    }

    /// <summary>What a reader does not need, such as the links at the top of a page, is not there; no line lost its words.</summary>
    [Fact]
    public void Documents_are_short_texts_that_begin_with_what_they_are_about()
    {
        Assert.All(Files, file => Assert.InRange(Text(file).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length, 50, 160));
        Assert.StartsWith("Ember 2 camping stove", Text("product.html"), StringComparison.Ordinal);
        Assert.StartsWith("The Orrin Clock Museum\n", Text("opening-hours.pdf"), StringComparison.Ordinal);
        Assert.StartsWith("Leave policy of Fenwick Instruments\n", Text("leave-policy.docx"), StringComparison.Ordinal);
        Assert.StartsWith("Item: Espresso\nSize: small\nPrice: 2.20 euros\n", Text("prices.csv"), StringComparison.Ordinal);
    }

    private static string Text(string file) =>
        Assert.Single(DocumentParser.Parse(file, File.ReadAllBytes(Path.Combine(s_folder, file)))).Text;
}
