using Kvasir.Cache;
using Kvasir.Calibration;
using Kvasir.Demo;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Documents.Tests;

/// <summary>What chat and ask must not forget under a policy that evicts: what the prompt begins with, and what was asked last.</summary>
public sealed class ProtectedPromptTests : IDisposable
{
    private const string System = "Zebra crossings matter more than anything else here.";
    private const string Question = "Who wrote the minutes of the garden committee that met in May?";

    private readonly Model _model = Model.Load(DemonstrationModel.Path, new ModelOptions { Threads = 1 });

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData("evict=streaming:10%")]
    [InlineData("evict=h2o:10%")]
    [InlineData("evict=keydiff:10%")]
    [InlineData("evict=snapkv:10%,k=kivi4,v=kivi4")]
    [InlineData("evict=prefixkv:10%")]
    [InlineData("evict=ada:10%")]
    public void The_system_prompt_and_the_last_question_stay_in_every_head(string policy)
    {
        using KvCache cache = _model.NewCache(AutoPolicies.Prepare(_model, KvPolicy.Parse(policy)));
        using var session = new Session(_model, cache, []);
        session.Messages.Add(new ChatMessage("system", System));
        string story = string.Join(' ', Enumerable.Range(1, 60).Select(day => $"On day {day} the committee met."));
        session.Messages.Add(new ChatMessage("user", story[..900]));
        session.Messages.Add(new ChatMessage("assistant", "Good to know."));
        _ = string.Concat(session.Chat(Question, new GenerationOptions { MaxTokens = 1 }));
        int[] ids = [.. session.Ids], system = _model.Tokenizer.Encode(System), question = _model.Tokenizer.Encode(Question);
        int first = ids.AsSpan().IndexOf(system.AsSpan(1..)), last = ids.AsSpan().LastIndexOf(question.AsSpan(1..));
        Assert.True(first is > 0 and < 20 && last > 200, $"{first}, {last}");
        int[] stay = [.. Enumerable.Range(first, system.Length - 1), .. Enumerable.Range(last, question.Length - 1)];
        foreach (HeadCache head in cache.Layers.SelectMany(layer => layer.Heads))
        {
            int[] kept = head.Positions();
            Assert.Empty(stay.Except(kept));
            Assert.InRange(kept.Length, stay.Length, 0.6 * ids.Length);
        }
    }

    [Theory]
    [InlineData("evict=h2o:10%,sink=0")]
    [InlineData("evict=keydiff:10%,k=kivi4,v=kivi4,sink=0")]
    [InlineData("evict=prefixkv:10%,sink=0")]
    [InlineData("evict=fastgen:.5,sink=0")]
    public void The_beginning_of_the_prompt_and_the_question_stay_in_every_head_where_passages_are_thinned(string policy)
    {
        using var answers = new ModelAnswers(_model, AutoPolicies.Prepare(_model, KvPolicy.Parse(policy)));
        int[] begin = answers.EncodePrefix(), question = answers.Encode(Question, parseSpecial: false);
        string story = string.Join(' ', Enumerable.Range(1, 60).Select(day => $"On day {day} all met."));
        int[] passages = answers.Encode(story, parseSpecial: false);
        KvCache cache = answers.NewCache();
        answers.Prefill(cache, [.. begin, .. passages], CancellationToken.None);
        using IAnswerBatch batch = answers.NewBatch(new GenerationOptions { MaxTokens = 3, IgnoreEndOfText = true }, 1);
        int[] prompt = [.. begin, .. passages, .. question];
        batch.Add(cache, prompt, null, _ => { });
        Assert.True(batch.Prefill());
        int[] stay = [.. Enumerable.Range(0, begin.Length), .. Enumerable.Range(prompt.Length - question.Length, question.Length)];
        foreach (HeadCache head in cache.Layers.SelectMany(layer => layer.Heads))
        {
            Assert.Empty(stay.Except(head.Positions()));
            Assert.InRange(head.Positions().Length, stay.Length, 0.7 * prompt.Length);
        }
    }
}
