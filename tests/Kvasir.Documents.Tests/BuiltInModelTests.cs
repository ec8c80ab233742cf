using System.Text.Json;
using Kvasir.Cache;
using Kvasir.Demo;
using Kvasir.Models;
using Kvasir.Training.Demonstration;

namespace Kvasir.Documents.Tests;

/// <summary>The model that comes with Kvasir does the main job from end to end, with nothing beside the clone.</summary>
public sealed class BuiltInModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Model _model = Model.Load(Required(), new ModelOptions { Compute = ComputeMode.Float32, Threads = 1 });

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [SkippableFact]
    public void Its_file_is_small() => Assert.InRange(new FileInfo(DemonstrationModel.Path).Length, 1 << 20, 8 << 20);

    /// <summary>Names, wordings and half of the kinds of document were kept from training.</summary>
    [SkippableFact]
    public void It_answers_questions_of_kinds_that_it_has_not_seen()
    {
        DemonstrationExample[] examples = [.. new DemonstrationData(1, Split.Test)];
        int right = examples.Count(example => Said(example) == example.Answer);
        Assert.True(right >= LeastRight * DemonstrationData.TestQuestions, $"{right} of {examples.Length}");
    }

    [SkippableFact]
    public void Questions_about_the_samples_are_answered_from_stored_kv_as_from_computed()
    {
        (int stored, int firsts) = RightOfSamples(recompute: false);
        (int computed, _) = RightOfSamples(recompute: true);
        Assert.True(stored >= LeastOfSamples && Math.Abs(stored - computed) <= 1 && firsts >= 14, $"{stored}, {computed}, {firsts}");
    }

    [SkippableTheory]
    [InlineData("k=f16,v=f16")]
    [InlineData("k=kivi4,v=kivi4")]
    [InlineData("k=kivi2,v=kivi2,group=16")]
    [InlineData("evict=keydiff:80%")]
    [InlineData("evict=prefixkv:80%")]
    [InlineData("evict=h2o:80%,k=kivi4,v=kivi4")]
    [InlineData("evict=streaming,budget=8MB")]
    [InlineData("auto:4bit")]
    public void Every_kind_of_cache_gives_the_answer_and_is_saved_and_loaded(string policy)
    {
        KvPolicy kv = Calibration.AutoPolicies.Prepare(_model, KvPolicy.Parse(policy));
        string saved = _folder.Sub("talk.kv");
        var greedy = new GenerationOptions { MaxTokens = 12 };
        const string Note = "Minutes\n\nThe chair is Alma Dorrit. The next meeting is on 4 May.\n\nFind the answer in the text above: ";
        string first;
        using (var session = new Session(_model, kv))
        {
            first = string.Concat(session.Chat(Note + "Who is the chair?", greedy));
            session.Save(saved);
        }
        using Session loaded = Session.Load(_model, saved);
        string second = string.Concat(loaded.Chat("Find the answer in the text above: When is the next meeting?", greedy));
        Assert.Equal(("Alma Dorrit", "4 May"), (first.Trim(), second.Trim()));
    }

    private static string Required()
    {
        Skip.IfNot(File.Exists(DemonstrationModel.Path), "the built-in model is not here");
        return DemonstrationModel.Path;
    }

    private string Said(DemonstrationExample example)
    {
        using var session = new Session(_model);
        int[] prompt = [.. DemonstrationPrompt.Segments(example).Where(segment => !segment.IsAnswer)
            .SelectMany(segment => _model.Tokenizer.Encode(segment.Text, segment.HasSpecial, addSpecial: false))];
        return session.Complete(prompt, new GenerationOptions { MaxTokens = 24 }).Text.Trim();
    }

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

    private const double LeastRight = 0.85;
    private const int LeastOfSamples = 12;
}
