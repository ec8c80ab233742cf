namespace Kvasir.Documents.Tests;

public sealed class QuestionStreamTests : LibraryFixture
{
    private static readonly string[] Questions =
        ["Why do cats purr?", "What do dogs bark at?", "Who sleeps all day?", "Who likes long walks?", "Do cats sleep?", "Do dogs walk?",
            "Why?"];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    public void Answers_come_in_the_order_of_the_questions_and_are_those_of_single_ones(int parallel)
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        // The first words are said again, one a step: answers of different lengths.
        Model.Generated = prompt =>
            [.. prompt.Split(' ').Take(1 + prompt.Length % 5).Select(word => new GeneratedPiece(word)), new("", "stop", 1)];
        List<string> alone = [.. Questions.Select(question => library.Ask(question).Complete())];
        Model.BatchSizes.Clear();
        List<Answer> together = [.. library.AskAll(Questions, parallel: parallel)];
        Assert.Equal(alone, together.Select(answer => answer.Text));
        Assert.Equal(Questions, together.Select(answer => answer.Question));
        Assert.Equal(Enumerable.Range(0, Questions.Length), together.Select(answer => answer.Index));
        Assert.All(together, answer => Assert.Equal(("stop", null, 0), (answer.FinishReason, answer.Error, answer.RecomputedTokens)));
        Assert.All(together, answer => Assert.Equal([answer.Text], answer));
        Assert.Equal(Math.Min(parallel, Questions.Length), Model.BatchSizes.Max());
        Assert.Equal(1, Model.LiveBlocks);
    }

    [Fact]
    public void Next_question_is_retrieved_and_its_kv_read_ahead_while_others_are_decoded()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        int taken = 0;
        IEnumerable<string> Taken() => Questions.Select(question => (++taken, question).question);
        using IEnumerator<Answer> answers = library.AskAll(Taken(), parallel: 2).GetEnumerator();
        Assert.True(answers.MoveNext());
        Assert.Equal(3, taken);
        Assert.All(answers.Current.Sources, source =>
            Assert.Contains(Model.ReadAheads, path => path.Contains(source.KvName, StringComparison.Ordinal)));
        Model.ReadAheads.Clear();
        while (answers.MoveNext())
        {
        }

        Assert.Equal(Questions.Length, taken);
        Assert.NotEmpty(Model.ReadAheads);
        Model.ReadAheads.Clear();
        Assert.Equal(2, library.AskAll(Questions[..2], new AskOptions { Recompute = true }).Count());
        Assert.Empty(Model.ReadAheads);
    }

    [Fact]
    public void Question_that_cannot_be_answered_does_not_end_the_others()
    {
        var small = new FakeModel { ContextLength = 60 };
        using DocumentLibrary library = Open(small);
        library.Ingest([Documents]);
        small.Generated = prompt => prompt.Contains("walks?", StringComparison.Ordinal)
            ? [new("Half "), new("", Failure: new InvalidOperationException("logits are not numbers"))]
            : [new("An answer"), new("", "stop", 2)];
        string tooLong = string.Join(' ', Enumerable.Repeat("word", 80));
        List<Answer> answers =
            [.. library.AskAll([Questions[0], " ", tooLong, "Who likes walks?", Questions[1]], new AskOptions { Instruction = "" },
                parallel: 2)];
        Assert.Equal([null, "empty", "does not fit", "not numbers", null],
            answers.Zip(["", "empty", "does not fit", "not numbers", ""], (answer, part) =>
            answer.Error?.Contains(part, StringComparison.Ordinal) == true ? part : answer.Error));
        Assert.Equal(["An answer", "", "", "Half ", "An answer"], answers.Select(answer => answer.Text));
        Assert.Equal(1, small.LiveBlocks);
        Assert.Contains("not numbers",
            Assert.Throws<InvalidOperationException>(() =>
            library.Ask("Who likes walks?", new AskOptions { Instruction = "" }).Complete()).Message, StringComparison.Ordinal);
        Assert.Equal(1, small.LiveBlocks);
    }

    [Fact]
    public void Cancelled_stream_gives_what_is_answered_and_then_throws()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        using var source = new CancellationTokenSource();
        int begun = 0;
        Model.Generated = prompt => ++begun switch
        {
            1 => [.. Enumerable.Repeat(new GeneratedPiece("long "), 100)],
            5 => [.. Interrupt(source)],
            _ => [new("short"), new("", "stop", 1)],
        };
        var answers = new List<Answer>();
        Assert.Throws<OperationCanceledException>(() =>
            answers.AddRange(Each(library.AskAll(Questions, parallel: 2, cancellation: source.Token), answers)));
        Assert.Equal([1, 2, 3], answers.Select(answer => answer.Index));
        Assert.All(answers, answer => Assert.Equal("short", answer.Text));
        Assert.Equal(1, Model.LiveBlocks);

        static IEnumerable<GeneratedPiece> Interrupt(CancellationTokenSource source)
        {
            source.Cancel();
            yield return new GeneratedPiece("unheard");
            yield return new GeneratedPiece("", "stop", 1);
        }

        static IEnumerable<Answer> Each(IEnumerable<Answer> stream, List<Answer> list)
        {
            foreach (Answer answer in stream)
            {
                list.Add(answer);
            }

            return [];
        }
    }

    [Fact]
    public void Stream_left_early_frees_its_caches()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        Assert.Equal("An answer", library.AskAll(Questions, parallel: 3).First().Text);
        Assert.Equal(1, Model.LiveBlocks);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(257)]
    public void Number_of_questions_in_flight_has_bounds(int parallel)
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        Assert.Contains("1 to 256", Assert.Throws<InvalidInputException>(() => library.AskAll(Questions, parallel: parallel)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Empty_store_is_refused_at_once()
    {
        using DocumentLibrary library = Open();
        Assert.Contains("no documents", Assert.Throws<InvalidInputException>(() => library.AskAll(Questions)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Costs_of_a_phase_within_another_count_once()
    {
        var costs = new AskCosts();
        long start = Stopwatch.GetTimestamp();
        costs.Start();
        using (costs.Measure(AskPhase.Loading))
        {
            using (costs.Measure(AskPhase.Recompute))
            {
                Thread.Sleep(20);
            }
        }

        costs.Stop();
        TimeSpan whole = Stopwatch.GetElapsedTime(start), inner = costs.Elapsed(AskPhase.Recompute);
        Assert.InRange(inner, TimeSpan.FromMilliseconds(15), whole);
        Assert.InRange(costs.Elapsed(AskPhase.Loading), TimeSpan.Zero, whole - inner);
        Assert.Equal(costs.TotalElapsed, Enum.GetValues<AskPhase>().Aggregate(TimeSpan.Zero, (sum, phase) => sum + costs.Elapsed(phase)));
        using (costs.Measure(AskPhase.Question))
        {
            Thread.Sleep(2);
        }

        Assert.Equal(TimeSpan.Zero, costs.Elapsed(AskPhase.Question));
    }

    [Fact]
    public void Phases_of_a_stream_are_counted_where_they_belong()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        foreach (bool recompute in new[] { false, true })
        {
            var costs = new AskCosts();
            Assert.Equal(Questions.Length, library.AskAll(Questions, new AskOptions { Recompute = recompute }, parallel: 2, costs).Count());
            Assert.Equal(!recompute, costs.Elapsed(AskPhase.Loading) > TimeSpan.Zero);
            Assert.Equal(recompute, costs.Elapsed(AskPhase.Recompute) > TimeSpan.Zero);
            Assert.True(costs.Elapsed(AskPhase.Retrieval) > TimeSpan.Zero && costs.Elapsed(AskPhase.Decoding) > TimeSpan.Zero);
        }
    }
}
