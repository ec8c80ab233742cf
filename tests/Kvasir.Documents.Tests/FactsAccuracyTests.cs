using System.Text.Json;
using System.Text.RegularExpressions;
using Kvasir.Models;

namespace Kvasir.Documents.Tests;

/// <summary>
/// The main job on the facts set: own retrieval, stored KV, no answer prefix (form G of the data's README: at most 20 tokens).
/// </summary>
public sealed partial class FactsAccuracyTests
{
    [SkippableFact]
    public void Questions_are_answered_from_stored_documents_end_to_end()
    {
        using var folder = new TemporaryFolder();
        using Model model = Model.Load(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf")),
            encoder = Model.Load(SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf"));
        using var library = DocumentLibrary.Open(folder.Sub("store"), model, encoder);
        library.Ingest([SharedData.Require("data/facts/docs.jsonl")]);
        int right = 0, asked = 0, computed = 0;
        foreach (string line in File.ReadLines(SharedData.Require("data/facts/questions.jsonl")))
        {
            JsonElement question = JsonDocument.Parse(line).RootElement;
            Answer answer = library.Ask(question.GetProperty("question").GetString()!, new AskOptions { MaxTokens = 20 });
            if (Normalised(answer.Complete()).Contains(Normalised(question.GetProperty("answer").GetString()!), StringComparison.Ordinal))
                right++;
            computed += answer.RecomputedTokens;
            asked++;
        }
        Assert.Equal(120, asked);
        Assert.Equal(0, computed);
        Assert.True(right >= 0.65 * asked, $"{right} of {asked} questions were answered");
    }

    /// <summary>As in the data's README: lower case, punctuation to spaces, articles dropped; whole words by the spaces around.</summary>
    private static string Normalised(string text)
    {
        string[] words = Punctuation().Replace(text.ToLowerInvariant(), " ").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return $" {string.Join(' ', words.Where(word => word is not ("a" or "an" or "the")))} ";
    }

    [GeneratedRegex(@"[!-/:-@\[-`{-~\s]", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Punctuation();
}
