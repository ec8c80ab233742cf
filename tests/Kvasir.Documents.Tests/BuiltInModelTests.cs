using System.Text.Json;
using Kvasir.Cache;
using Kvasir.Demo;
using Kvasir.Models;
using Kvasir.Training.Demonstration;

namespace Kvasir.Documents.Tests;

/// <summary>The model that comes with Kvasir does the main job from end to end, with nothing beside the clone.</summary>
public sealed class BuiltInModelTests : IDisposable
{
    private const double LeastRight = 0.48;
    private const int LeastOfSamples = 5, AnswerTokens = 24;

    private const string Note =
        "Minutes\n\nThe chair is Alma Dorrit. The next meeting is on 4 May.\n\nFind the answer in the text above: ";

    private readonly TemporaryFolder _folder = new();
    private readonly Model _model = Model.Load(DemonstrationModel.Path, new ModelOptions { Compute = ComputeMode.Float32, Threads = 1 });

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Its_file_is_small() => Assert.InRange(new FileInfo(DemonstrationModel.Path).Length, 1 << 20, 8 << 20);

    /// <summary>
    /// Names, wordings and half of the kinds of document were kept from training. By chance next to none would be right: a prompt holds
    /// some fifty spans.
    /// </summary>
    [Fact]
    public void It_answers_questions_of_kinds_that_it_has_not_seen()
    {
        DemonstrationExample[] examples = [.. new DemonstrationData(1, Split.Test).Where(Fits)];
        int right = examples.Count(example => Said(example) == example.Answer);
        Assert.True(right >= LeastRight * examples.Length, $"{right} of {examples.Length}");
    }

    [Fact]
    public void Questions_about_the_samples_find_their_document_and_are_answered_from_stored_kv_as_from_computed()
    {
        (int stored, int firsts) = RightOfSamples(recompute: false);
        (int computed, _) = RightOfSamples(recompute: true);
        Assert.True(stored >= LeastOfSamples && Math.Abs(stored - computed) <= 1 && firsts >= 14, $"{stored}, {computed}, {firsts}");
    }

    /// <summary>The same question twice, before and after the conversation was written to a file.</summary>
    [Theory]
    [InlineData("k=f16,v=f16")]
    [InlineData("k=kivi4,v=kivi4")]
    [InlineData("k=kivi2,v=kivi2,group=16")]
    [InlineData("evict=keydiff:80%")]
    [InlineData("evict=prefixkv:80%")]
    [InlineData("evict=h2o:80%,k=kivi4,v=kivi4")]
    [InlineData("evict=streaming,budget=8MB")]
    [InlineData("auto:4bit")]
    public void A_conversation_under_every_kind_of_cache_goes_on_from_a_file_as_without(string policy)
    {
        KvPolicy kv = Kvasir.Calibration.AutoPolicies.Prepare(_model, KvPolicy.Parse(policy));
        string saved = _folder.Sub("talk.kv");
        using var session = new Session(_model, kv);
        string first = Reply(session, Note + "Who is the chair?");
        session.Save(saved);
        using Session loaded = Session.Load(_model, saved);
        const string next = "Find the answer in the text above: When is the next meeting?";
        string second = Reply(session, next);
        Assert.NotEqual("", first + second);
        Assert.Equal(second, Reply(loaded, next));
    }

    private static string Reply(Session session, string message) =>
        string.Concat(session.Chat(message, new GenerationOptions { MaxTokens = 12 }));

    private string Said(DemonstrationExample example)
    {
        using var session = new Session(_model);
        return session.Complete(Prompt(example), new GenerationOptions { MaxTokens = AnswerTokens }).Text.Trim();
    }

    private bool Fits(DemonstrationExample example) => Prompt(example).Length + AnswerTokens <= _model.Config.ContextLength;

    private int[] Prompt(DemonstrationExample example) => [.. DemonstrationPrompt.Segments(example).Where(segment => !segment.IsAnswer)
        .SelectMany(segment => _model.Tokenizer.Encode(segment.Text, segment.HasSpecial, addSpecial: false))];

    private (int Right, int FirstDocuments) RightOfSamples(bool recompute)
    {
        string samples = Path.Combine(SharedData.ProjectRoot(), "samples"), store = _folder.Sub($"store-{recompute}");
        using var library = DocumentLibrary.Open(store, _model, encoder: null);
        library.Ingest([samples]);
        int right = 0, firsts = 0;
        foreach (string line in File.ReadLines(Path.Combine(SharedData.ProjectRoot(), "tests/Kvasir.Documents.Tests/sample-questions.jsonl")))
        {
            JsonElement asked = JsonDocument.Parse(line).RootElement;
            Answer answer = library.Ask(asked.GetProperty("question").GetString()!, new AskOptions { Recompute = recompute });
            string text = string.Concat(answer);
            if (text.Contains(asked.GetProperty("answer").GetString()!, StringComparison.OrdinalIgnoreCase)) right++;
            if (Path.GetFileName(answer.Sources[0].File) == asked.GetProperty("file").GetString()) firsts++;
        }
        return (right, firsts);
    }

}
