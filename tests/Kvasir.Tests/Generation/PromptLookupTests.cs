using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;
using Kvasir.Reference;
using Kvasir.Tests.Models;

namespace Kvasir.Tests.Generation;

/// <summary>Drafts from what stands in the sequence: what they propose, and that they change nothing but the number of passes.</summary>
public sealed class PromptLookupTests : ReferenceComparison
{
    private static readonly NaiveTransformer s_naive = (Llama with { Vocabulary = ByteTokenizer.Size }).WithRandomWeights(3);

    [Theory]
    [InlineData("abcd.bc", "d.b")]
    [InlineData("1abc2.3bc4.abc", "2.3bc")] // the longest match, not the last
    [InlineData("abc.abd.ab", "d.ab")] // of equal ones the last
    [InlineData("abcdef", "")]
    [InlineData("abcxdc", "")] // one token alone says little
    [InlineData("a", "")]
    public void What_followed_the_newest_tokens_is_proposed(string text, string draft) =>
        Assert.Equal(draft, Propose(new PromptLookup(8), text));

    [Fact]
    public void A_draft_is_no_longer_than_allowed_and_ends_before_a_picture()
    {
        var lookup = new PromptLookup(3);
        Assert.Equal("d.b", Propose(lookup, "abcd.bc"));
        Assert.Equal("d.", Propose(lookup, "abcd.bc", room: 2));
        Assert.Equal("", Propose(lookup, "abcd.bc", room: 0));
        Assert.Equal([7], new PromptLookup(8).Propose([5, 6, 7, -3, -4, 5, 6], 8, 1).ToArray());
    }

    [Fact]
    public void What_does_not_come_true_is_proposed_less_and_after_a_while_again()
    {
        var lookup = new PromptLookup(8);
        int Tried(int passes) => Enumerable.Range(0, passes).Count(_ =>
        {
            string draft = Propose(lookup, "abcd.bc");
            if (draft.Length > 0) lookup.Learn(draft.Length, 0);
            return draft.Length > 0;
        });
        Assert.InRange(Tried(10), 2, 5);
        Assert.InRange(Tried(200), 1, 10);
        for (int i = 0; i < 8; i++) lookup.Learn(1, 1);
        Assert.Equal("d.bc", Propose(lookup, "abcd.bc"));
    }

    [Fact]
    public void With_many_sequences_only_what_is_likely_is_proposed()
    {
        Assert.Equal("d.b", Propose(new PromptLookup(8), "abcd.bc", sequences: 1));
        Assert.Equal("", Propose(new PromptLookup(8), "abcd.bc", sequences: 8));
        Assert.Equal("e", Propose(new PromptLookup(8), "abcde.bcd", sequences: 8));
    }

    [Fact]
    public void Texts_are_the_same_and_take_fewer_passes_where_they_repeat()
    {
        foreach ((Func<IReadOnlyList<int>, int> next, double fewer) in ((Func<IReadOnlyList<int>, int>, double)[])
            [(Alphabet, 0.5), (FakeModel.Checksum, 1.01)])
        {
            (string[] plain, int passes) = Run(next, 0);
            (string[] drafted, int less) = Run(next, 8);
            Assert.Equal(plain, drafted);
            Assert.InRange(less, 1, passes * fewer);
        }

        static int Alphabet(IReadOnlyList<int> history) => history.Count > 150 ? ByteTokenizer.End : 'a' + (history[^1] - 'a' + 1) % 7;

        static (string[] Texts, int Passes) Run(Func<IReadOnlyList<int>, int> next, int drafts)
        {
            var model = new FakeModel { Next = next };
            using Scheduler scheduler = model.NewScheduler(new SchedulerOptions { TokensPerStep = 12, MaxRunning = 3 });
            ScheduledSequence[] sequences = [.. Enumerable.Range(0, 5).Select(i => scheduler.Add(
                [.. Enumerable.Range(0, 9 * i + 1).Select(j => 'a' + j % 7)],
                new GenerationOptions
                {
                    MaxTokens = i == 2 ? 17 : 100,
                    Stop = i == 3 ? ["gabcdefgabcdefgabc"] : [],
                    DraftTokens = drafts,
                }))];
            scheduler.RunToEnd();
            Assert.All(model.BatchSizes, size => Assert.InRange(size, 1, 12));
            Assert.All(sequences, sequence => Assert.InRange(sequence.Result!.AcceptedDraftTokens, 0, drafts == 0 ? 0 : 100));
            return ([.. sequences.Select(sequence => $"{sequence.Result!.Text} {sequence.Result.FinishReason}")], model.BatchSizes.Count);
        }
    }

    [Fact]
    public void A_session_holds_what_it_would_without_drafts_and_goes_on_from_it()
    {
        var model = new FakeModel { Next = history => 'a' + (history[^1] - 'a' + 1) % 5 };
        using Session session = model.NewSession();
        var options = new GenerationOptions { MaxTokens = 50, DraftTokens = 8 };
        GenerationResult first = session.Complete("abcdeabcde", options);
        Assert.Equal((50, 59), (first.Ids.Count, session.Ids.Count));
        Assert.InRange(first.AcceptedDraftTokens, 30, 49);
        Assert.Equal([.. session.Ids, first.Ids[^1]], [.. "abcdeabcde".Select(c => (int)c), .. first.Ids]);
        Assert.Equal(59, session.Continue([first.Ids[^1], 'b'], options).ReusedTokens);
    }

    /// <summary>Across the borders at which blocks are encoded, on a model whose texts run in circles.</summary>
    [Theory]
    [InlineData("k=f32,v=f32", 0)]
    [InlineData("k=f16,v=f16", 0)]
    [InlineData("k=kivi4,v=kivi4", 0)]
    [InlineData("k=kivi2,v=kivi2,residual=0", 0)]
    [InlineData("k=kivi2,v=kivi2", 1)]
    [InlineData("k=f16,v=f16,evict=streaming:50%", 0)]
    public void Ids_are_those_of_one_token_at_a_time_under_every_policy(string policy, float temperature)
    {
        using Model model = TinyHfModel.Load(s_naive, _folder, "llama", """{"max_position_embeddings": 1024, "rope_theta": 10000.0}""");
        int[] prompt = [.. Ids(s_naive, 40), .. Ids(s_naive, 30)];
        GenerationResult Run(int drafts)
        {
            using var session = new Session(model, new ByteTokenizer(), null, model.NewCache(KvPolicy.Parse(policy)));
            return session.Complete(prompt, new GenerationOptions
            {
                MaxTokens = 300,
                IgnoreEndOfText = true,
                DraftTokens = drafts,
                Sampler = new SamplerOptions { Temperature = temperature, TopK = 3, Seed = 5 },
            });
        }

        GenerationResult plain = Run(0), drafted = Run(8);
        Assert.Equal(plain.Ids, drafted.Ids);
        Assert.Equal(policy.Contains("evict", StringComparison.Ordinal), drafted.AcceptedDraftTokens == 0);
    }

    [Fact]
    public void What_a_budget_has_no_room_for_is_decoded_without_drafts()
    {
        (string plain, _) = Run(0);
        (string drafted, int accepted) = Run(8);
        Assert.Equal(plain, drafted);
        Assert.InRange(accepted, 1, 200);

        static (string Text, int Accepted) Run(int drafts)
        {
            var model = new FakeModel { Next = history => 'a' + (history[^1] - 'a' + 1) % 5, Budget = 4 * FakeModel.BlockBytes };
            using Session session = model.NewSession();
            string text = "";
            var options = new GenerationOptions { MaxTokens = 200, DraftTokens = drafts };
            Assert.Throws<KvBudgetExceededException>(() => session.Complete("abcde", options, piece => text += piece));
            return (text, session.LastResult!.AcceptedDraftTokens);
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(17)]
    public void Drafts_out_of_range_are_refused(int tokens)
    {
        using Session session = new FakeModel().NewSession();
        Assert.Throws<InvalidInputException>(() => session.Complete("a", new GenerationOptions { DraftTokens = tokens }));
    }

    private static string Propose(PromptLookup lookup, string text, int room = 8, int sequences = 1) =>
        new([.. lookup.Propose([.. text.Select(c => (int)c)], room, sequences).ToArray().Select(id => (char)id)]);
}
