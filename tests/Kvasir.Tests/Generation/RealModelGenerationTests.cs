using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;

namespace Kvasir.Tests.Generation;

/// <summary>Sessions and scheduler on a real, tiny model: the same ids whichever way they are computed.</summary>
public sealed class RealModelGenerationTests : IDisposable
{
    private static readonly GenerationOptions Twenty = new() { MaxTokens = 20, IgnoreEndOfText = true };
    private static readonly int[] Prompt = [.. Enumerable.Range(0, 100).Select(i => 20 + i * 37 % 300)];
    private readonly Lazy<Model> _model = new(() =>
        Model.Load(SharedData.Require("models/tiny/tiny-llama3.gguf"), new ModelOptions { Threads = 1, Compute = ComputeMode.Float32 }));

    [SkippableFact]
    public void Sequences_scheduled_together_get_the_ids_they_get_alone()
    {
        int[][] prompts = [Prompt, Prompt[..7], [.. Prompt[..64], 5, 6, 7], Prompt[30..95]];
        List<IReadOnlyList<int>> alone = [.. prompts.Select(prompt => Alone(prompt).Ids)];
        using var scheduler = new Scheduler(
            _model.Value, new SchedulerOptions { TokensPerStep = 48, MaxRunning = 3, PrefixCacheBytes = 1 << 24 });
        List<ScheduledSequence> together = [.. prompts.Select(prompt => scheduler.Add(prompt, Twenty))];
        scheduler.RunToEnd();
        Assert.Equal(alone, together.Select(sequence => sequence.Result!.Ids));
        ScheduledSequence again = scheduler.Add(Prompt, Twenty);
        scheduler.RunToEnd();
        Assert.Equal(96, again.Result!.ReusedTokens);
        Assert.Equal(alone[0], again.Result.Ids);
    }

    [SkippableFact]
    public void Shared_beginning_of_a_second_prompt_is_reused_exactly()
    {
        using var session = new Session(_model.Value);
        session.Complete(Prompt, Twenty);
        int[] second = [.. Prompt[..90], 9, 8, 7];
        GenerationResult reused = session.Complete(second, Twenty);
        Assert.Equal(90, reused.ReusedTokens);
        Assert.Equal(Alone(second).Ids, reused.Ids);
    }

    [SkippableFact]
    public void Saved_session_goes_on_as_the_one_in_memory()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            using var session = new Session(_model.Value);
            session.Complete(Prompt, Twenty);
            session.Save(path);
            using Session loaded = Session.Load(_model.Value, path);
            Assert.Equal(session.Continue([11, 12], Twenty).Ids, loaded.Continue([11, 12], Twenty).Ids);
            Assert.Equal(session.LastResult!.ReusedTokens, loaded.LastResult!.ReusedTokens);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [SkippableFact]
    public void Saving_does_not_change_what_is_said_next()
    {
        string path = Path.GetTempFileName();
        try
        {
            using Session saved = new(_model.Value, KvPolicy.Parse("k=kivi2,v=kivi2")),
                other = new(_model.Value, KvPolicy.Parse("k=kivi2,v=kivi2"));
            Assert.Equal(saved.Complete(Prompt, Twenty).Ids, other.Complete(Prompt, Twenty).Ids);
            saved.Save(path);
            Assert.Equal(saved.Continue([11, 12], Twenty).Ids, other.Continue([11, 12], Twenty).Ids);
            Assert.Equal(saved.KvBytes, other.KvBytes);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [SkippableFact]
    public void Conversation_loaded_under_another_policy_is_converted_to_it()
    {
        string path = Path.GetTempFileName();
        try
        {
            using var session = new Session(_model.Value, KvPolicy.Parse("k=f32,v=f32"));
            session.Complete(Prompt, Twenty);
            session.Save(path);
            using Session same = Session.Load(_model.Value, path),
                smaller = Session.Load(_model.Value, path, KvPolicy.Parse("k=f16,v=f16"));
            Assert.Equal(same.KvBytes, 2 * smaller.KvBytes);
            Assert.Equal(same.Ids, smaller.Ids);
            Assert.Equal(session.Continue([11, 12], Twenty).ReusedTokens, smaller.Continue([11, 12], Twenty).ReusedTokens);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [SkippableFact]
    public void Decoding_allocates_little_beside_its_text()
    {
        using var session = new Session(_model.Value);
        session.Complete(Prompt, Twenty);
        long least = long.MaxValue;
        var options = new GenerationOptions { MaxTokens = 60, IgnoreEndOfText = true };
        // A collection in between, which other tests may cause, tells nothing.
        for (int attempt = 0; attempt < 10 && least > 32 * 200; attempt++)
        {
            Allocated start = default;
            int tokens = 0;
            foreach (string _ in session.Stream(Prompt, options))
            {
                if (++tokens == 8) start = Allocated.Now();
                if (tokens == 40) least = Math.Min(least, start.Since() ?? long.MaxValue);
            }
        }

        Assert.InRange(least / 32.0, 0, 200);
    }

    public void Dispose()
    {
        if (_model.IsValueCreated) _model.Value.Dispose();
    }

    private GenerationResult Alone(int[] prompt)
    {
        using var session = new Session(_model.Value);
        return session.Complete(prompt, Twenty);
    }
}
