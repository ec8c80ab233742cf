using System.Text.Json;
using Kvasir.Documents;
using Kvasir.Documents.Asking;
using Kvasir.Models;

namespace Kvasir.Tests;

public sealed class RelevanceTests : LibraryFixture
{
    private static readonly string[] s_everydayQuestions =
    [
        "What is the capital of France?",
        "How do I bake bread?",
        "Who wrote Romeo and Juliet?",
        "What is the boiling point of water?",
        "How many legs does a spider have?",
        "Who was the first president of the United States?",
        "What is the largest planet in the solar system?",
        "How do I change a flat tire?",
        "What is the speed of light?",
        "Which country won the World Cup in 1998?",
        "What is photosynthesis?",
        "How do vaccines work?",
        "What is the square root of 144?",
        "Who painted the Mona Lisa?",
        "How can I learn to play the guitar?",
        "What time is it in Tokyo?",
        "How do I reset my password?",
        "What does HTTP stand for?",
        "What is the best way to lose weight?",
        "Who is the CEO of Apple?",
        "How tall is Mount Everest?",
        "What is the chemical symbol for gold?",
        "When did World War II end?",
        "How does a car engine work?",
        "What is the meaning of life?",
        "Can dogs eat chocolate?",
        "How do I write a for loop in Python?",
        "What are the symptoms of the flu?",
        "What is the currency of Japan?",
        "How far is the moon from the earth?",
        "Tell me a joke.",
        "Why is the sky blue?",
        "Which river flows through London?",
        "How many players are in a football team?",
        "What is the population of China?",
        "How do I sort a list in Java?",
        "Who discovered penicillin?",
        "What is quantum entanglement?",
        "How long does it take to boil an egg?",
        "What is the tallest building in the world?",
        "Who invented the telephone?",
        "How do I apply for a passport?",
        "What is inflation?",
        "Who is Harry Potter?",
        "How do I remove a wine stain?",
        "What is the deadline for tax returns?",
        "When is the next solar eclipse?",
        "How many days are in a leap year?",
        "What did the board decide about the budget?",
        "Where is my invoice?",
        "Does the contract allow early termination?",
        "What are the side effects of ibuprofen?",
        "Which museum holds the Rosetta Stone?",
        "Who was the mayor of New York in 2001?",
        "In which year was the University of Oxford founded?",
        "What is the main ingredient of guacamole?",
        "Who captained the Titanic?",
        "Which company makes the PlayStation?",
        "When does the Glastonbury Festival take place?",
        "What is the name of the scientist who discovered radium?",
    ];

    private readonly FakeEncoder _judge = new() { LeastRelevant = 0.4f };

    [Fact]
    public void Question_that_nothing_fits_is_not_put_to_the_model()
    {
        using DocumentLibrary library = Open(encoder: _judge);
        library.Ingest([Documents]);
        Model.PrefilledTokens = 0;
        Answer answer = library.Ask("What is quantum chromodynamics?");
        Assert.Equal([Answer.NothingRelevant], answer);
        Assert.Equal("irrelevant", answer.FinishReason);
        Assert.Empty(answer.Sources);
        Assert.Equal((0, 0, 0, 0), (answer.ReusedTokens, answer.RecomputedTokens, answer.QuestionTokens, answer.GeneratedTokens));
        Assert.Empty(Model.LastPrompt);
        Assert.Equal(0, Model.PrefilledTokens);
        Assert.True(answer.TotalTime > TimeSpan.Zero);
    }

    [Theory]
    [InlineData(null, null, "irrelevant")]
    [InlineData(null, 0f, "stop")]
    [InlineData(2, null, "stop")]
    [InlineData(2, 0.4f, "irrelevant")]
    public void Threshold_holds_where_it_is_given_or_no_number_of_passages_is(int? passages, float? minScore, string reason)
    {
        using DocumentLibrary library = Open(encoder: _judge);
        library.Ingest([Documents]);
        Answer answer = library.Ask("What is quantum chromodynamics?", new AskOptions { Passages = passages, MinScore = minScore });
        answer.Complete();
        Assert.Equal(reason, answer.FinishReason);
    }

    [Fact]
    public void Question_that_a_passage_fits_is_answered()
    {
        using DocumentLibrary library = Open(encoder: _judge);
        library.Ingest([Documents]);
        Assert.Equal("An answer", library.Ask("Why do cats purr when they are content?").Complete());
    }

    [Fact]
    public void Words_decide_where_the_store_was_embedded_by_another_encoder()
    {
        using (DocumentLibrary library = Open())
        {
            library.Ingest([Documents]);
        }

        using DocumentLibrary other = Open(encoder: new FakeEncoder { Identity = "encoder-b", LeastRelevant = 0.4f });
        Assert.Equal("An answer", other.Ask("Why do cats purr?").Complete());
        Assert.Equal(Answer.NothingRelevant, other.Ask("What is quantum chromodynamics?").Complete());
    }

    [Theory]
    [InlineData(0.4f, 0f, true)]
    [InlineData(0.39f, 0.7f, false)]
    [InlineData(0.2f, 0.8f, true)]
    [InlineData(0.19f, 1f, false)]
    [InlineData(0f, 0.3f, false)]
    [InlineData(0f, 0.4f, true)]
    [InlineData(-0.1f, 0.5f, false)]
    public void Cosine_decides_and_rare_words_make_up_for_half_of_it(float cosine, float words, bool relevant) => Assert.Equal(
        relevant,
        Relevance.IsRelevant(new Passage { File = "f", DocumentId = null, Title = "", Chunk = 0, Start = 0, Text = "", Score = 0, Cosine = cosine, Bm25 = 0, Words = words }, 0.4f));

    [SkippableFact]
    public void Questions_are_told_from_those_of_other_documents()
    {
        using Model model = Kvasir.Models.Model.Load(SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf"));
        var encoder = new ModelEncoder(model);
        using var library = new DocumentLibrary(DocumentStore.Open(Store, create: true), Model, encoder, 320);
        library.Ingest([SharedData.Require("data/facts/docs.jsonl")]);
        string[] own = Questions("data/facts/questions.jsonl"), foreign = [.. s_everydayQuestions, .. Questions("data/hotpotqa/questions.jsonl")];
        Assert.Equal(0, own.Where((_, i) => i % 4 == 0).Count(question => !IsRelevant(question)));
        Assert.InRange(foreign.Where((_, i) => i % 4 == 0).Count(IsRelevant), 0, 2);

        bool IsRelevant(string question) => library.Search(question).Any(passage => Relevance.IsRelevant(passage, encoder.LeastRelevant));
    }

    private static string[] Questions(string relative) =>
        [.. File.ReadLines(SharedData.Require(relative)).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("question").GetString()!)];
}
