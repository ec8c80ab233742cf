using Kvasir.Cache;
using Kvasir.Generation;

namespace Kvasir.Tests.Generation;

public class SessionTests
{
    [Fact]
    public void Generation_ends_where_the_model_ends()
    {
        using var session = new FakeModel().NewSession();
        GenerationResult result = session.Complete("uvw");
        Assert.Equal(("xyz", FinishReason.Stop, 3, 0), (result.Text, result.FinishReason, result.PromptTokens, result.ReusedTokens));
        Assert.Equal(3, result.Ids.Count);
    }

    [Fact]
    public void Max_tokens_ends_with_length() =>
        Assert.Equal(("bcd", FinishReason.Length), Outcome(new FakeModel(), "a", new GenerationOptions { MaxTokens = 3 }));

    [Fact]
    public void A_text_that_repeats_itself_ends_where_that_was_asked_for()
    {
        // The fake model goes round the last twelve letters of the alphabet but one, for ever.
        FakeModel Looping() => new() { Next = history => history[^1] == 'y' ? 'n' : history[^1] + 1 };
        const string run = "nopqrstuvwxy";
        Assert.Equal((run + run, FinishReason.Repetition),
            Outcome(Looping(), "m", new GenerationOptions { MaxTokens = 100, StopAtRepetition = true }));
        Assert.Equal(FinishReason.Length, Outcome(Looping(), "m", new GenerationOptions { MaxTokens = 100 }).Item2);
    }

    [Theory]
    [InlineData(9, 3, false)]
    [InlineData(10, 2, true)]
    [InlineData(128, 2, true)]
    [InlineData(10, 1, false)]
    public void Only_long_runs_count_as_repetition(int run, int times, bool repeats) =>
        Assert.Equal(repeats, Repetition.EndsIn([.. Enumerable.Repeat(Enumerable.Range(0, run), times).SelectMany(ids => ids)]));

    [Fact]
    public void Stop_strings_end_across_token_borders_and_are_not_shown() =>
        Assert.Equal(("bcd", FinishReason.Stop), Outcome(new FakeModel(), "a", new GenerationOptions { Stop = ["efg"] }));

    [Fact]
    public void Full_context_is_a_finish_reason_of_its_own()
    {
        var model = new FakeModel { ContextLength = 6 };
        using var session = model.NewSession();
        GenerationResult result = session.Complete("abc");
        Assert.Equal(("defg", FinishReason.Context), (result.Text, result.FinishReason));
        Assert.Equal(6, session.Ids.Count);
    }

    [Fact]
    public void Prompt_of_the_whole_context_gives_one_token() =>
        Assert.Equal(("d", FinishReason.Context), Outcome(new FakeModel { ContextLength = 3 }, "abc", new GenerationOptions()));

    [Fact]
    public void Prompt_longer_than_the_context_is_refused_with_both_counts()
    {
        using var session = new FakeModel { ContextLength = 3 }.NewSession();
        var refused = Assert.Throws<InvalidInputException>(() => session.Complete("abcd"));
        Assert.Contains("4 tokens", refused.Message, StringComparison.Ordinal);
        Assert.Contains("holds 3", refused.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidInputException>(() => session.Complete(""));
    }

    [Fact]
    public void Second_prompt_computes_only_what_is_new()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var session = model.NewSession();
        var options = new GenerationOptions { MaxTokens = 5 };
        string first = session.Complete("the quick brown", options).Text;
        model.BatchSizes.Clear();
        GenerationResult second = session.Complete("the quick brown" + first[..3] + "!!", options);
        Assert.Equal(18, second.ReusedTokens);
        Assert.Equal(2, model.BatchSizes[0]);
        Assert.Equal(Outcome(model, "the quick brown" + first[..3] + "!!", options).Text, second.Text);
    }

    [Fact]
    public void Repeating_a_prompt_computes_its_last_token_only()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var session = model.NewSession();
        var options = new GenerationOptions { MaxTokens = 4 };
        string first = session.Complete("hello", options).Text;
        GenerationResult again = session.Complete("hello", options);
        Assert.Equal((first, 4), (again.Text, again.ReusedTokens));
    }

    [Fact]
    public void Any_sequence_of_prompts_answers_as_a_fresh_session_does()
    {
        var random = new Random(3);
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var session = model.NewSession();
        for (int round = 0; round < 200; round++)
        {
            string prompt = new([.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => (char)('a' + random.Next(2)))]);
            var options = new GenerationOptions { MaxTokens = random.Next(1, 6), Stop = round % 3 == 0 ? ["e", "xy"] : [] };
            Assert.Equal(Outcome(model, prompt, options), (session.Complete(prompt, options).Text, session.LastResult!.FinishReason));
        }
    }

    [Fact]
    public void Long_prompts_are_prefilled_in_slices()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var session = model.NewSession();
        session.Complete(new string('x', 2 * Session.PrefillSlice + 7), new GenerationOptions { MaxTokens = 1 });
        Assert.Equal([Session.PrefillSlice, Session.PrefillSlice, 7], model.BatchSizes);
    }

    [Fact]
    public void Cancellation_acts_within_one_step_and_leaves_a_usable_session()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var session = model.NewSession();
        using var cancellation = new CancellationTokenSource();
        int steps = 0;
        model.OnRun = _ =>
        {
            if (++steps == 2) cancellation.Cancel();
        };
        GenerationResult result = session.Complete(new string('x', 3 * Session.PrefillSlice), null, null, cancellation.Token);
        Assert.Equal((2, FinishReason.Cancelled, ""), (steps, result.FinishReason, result.Text));
        Assert.Equal(2 * Session.PrefillSlice, session.Ids.Count);
        model.OnRun = null;
        var options = new GenerationOptions { MaxTokens = 4 };
        Assert.Equal(Outcome(model, "xxab", options).Text, session.Complete("xxab", options).Text);
    }

    [Fact]
    public void Failed_step_leaves_ids_and_cache_equal()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var session = model.NewSession();
        int steps = 0;
        model.OnRun = _ =>
        {
            if (++steps == 3) throw new InvalidOperationException("broken");
        };
        Assert.Throws<InvalidOperationException>(() => session.Complete("abc"));
        Assert.Equal(4, session.Ids.Count);
        model.OnRun = null;
        var options = new GenerationOptions { MaxTokens = 4 };
        Assert.Equal(Outcome(model, "abcd", options).Text, session.Complete("abcd", options).Text);
    }

    [Fact]
    public void Characters_are_never_cut()
    {
        byte[] text = "é€😀"u8.ToArray();
        var model = new FakeModel { Next = history => history.Count - 1 < text.Length ? text[history.Count - 1] : ByteTokenizer.End };
        using var session = model.NewSession();
        Assert.Equal(["é", "€", "😀"], session.Stream("?").ToArray());
    }

    [Fact]
    public async Task Async_stream_gives_the_same_text()
    {
        using var session = new FakeModel().NewSession();
        string text = "";
        await foreach (string piece in session.StreamAsync("t")) text += piece;
        Assert.Equal("uvwxyz", text);
    }

    [Fact]
    public void Abandoned_stream_keeps_what_was_computed()
    {
        var model = new FakeModel();
        using var session = model.NewSession();
        foreach (string piece in session.Stream("a"))
        {
            if (piece == "d") break;
        }

        Assert.Equal(FinishReason.Cancelled, session.LastResult!.FinishReason);
        Assert.Equal("abc", model.Tokenizer.Decode([.. session.Ids]));
    }

    [Fact]
    public void Saved_cache_goes_on_without_prefill()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            using var session = model.NewSession();
            session.Complete("hello", new GenerationOptions { MaxTokens = 3 });
            session.Messages.Add(new("user", "hello"));
            session.Save(path);
            using Session loaded = model.LoadSession(path);
            Assert.Equal(session.Ids, loaded.Ids);
            Assert.Equal(session.Messages, loaded.Messages);
            model.BatchSizes.Clear();
            loaded.Continue("?"u8.ToArray().Select(value => (int)value).ToArray(), new GenerationOptions { MaxTokens = 1 });
            Assert.Equal([1], model.BatchSizes);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Damaged_messages_in_a_saved_cache_are_refused()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            foreach (string? messages in new[] { null, "[{\"role\":null}]", "[", "null" })
            {
                var model = new FakeModel();
                using (KvCache cache = model.Filled(1, 2))
                    if (messages is null) cache.Save(path, [1, 2]);
                    else cache.SaveCopy(path, [1, 2], messages);
                Assert.Contains(path, Assert.Throws<InvalidInputException>(() => model.LoadSession(path)).Message,
                    StringComparison.Ordinal);
                Assert.Equal(0, model.Pool.Bytes);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static (string Text, FinishReason Reason) Outcome(FakeModel model, string prompt, GenerationOptions options)
    {
        using var session = model.NewSession();
        GenerationResult result = session.Complete(prompt, options);
        return (result.Text, result.FinishReason);
    }
}
