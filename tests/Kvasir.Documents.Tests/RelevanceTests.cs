using System.Text.Json;
using Kvasir.Models;

namespace Kvasir.Documents.Tests;

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

    [Fact]
    public void Words_alone_find_passages_and_tell_only_how_sure_they_are()
    {
        using var library = new DocumentLibrary(DocumentStore.Open(Store, create: true), Model, new WordsAlone(), 16);
        library.Ingest([Documents]);
        Answer sure = library.Ask("postman bark"), unsure = library.Ask("Is the weather nice in the far Northern provinces of Antarctica?");
        Assert.EndsWith("dogs.md", sure.Sources[0].File, StringComparison.Ordinal);
        Assert.Equal(("An answer", false), (sure.Complete(), sure.IsDoubtful));
        Assert.Equal(("An answer", true), (unsure.Complete(), unsure.IsDoubtful));
        Assert.Equal(Answer.NothingRelevant, library.Ask("Quantum chromodynamics?").Complete());
        Assert.Equal((0, 0), library.Ingest([Documents]) is var again ? (again.ComputedTokens, again.ChangedFiles) : default);
    }

    [Theory]
    [InlineData(0.4f, 0f, 0f, "Firm")]
    [InlineData(0.39f, 0f, 0.7f, "None")]
    [InlineData(0.2f, 0f, 0.8f, "Firm")]
    [InlineData(0.19f, 0f, 1f, "None")]
    [InlineData(0f, 0f, 0.3f, "None")]
    [InlineData(0f, 0f, 0.4f, "Firm")]
    [InlineData(-0.1f, 0f, 0.5f, "None")]
    [InlineData(0.1f, 0.4f, 0f, "Firm")]
    [InlineData(0.1f, 0.39f, 0f, "Loose")]
    [InlineData(0.1f, 0.25f, 0f, "Loose")]
    [InlineData(0.1f, 0.21f, 0f, "None")]
    public void Passage_fits_by_its_cosine_or_a_sentence_and_rare_words_make_up_for_half(
        float cosine, float sentence, float words, string fit) =>
        Assert.Equal(fit, Relevance.Of(new Found([Passage(cosine, sentence, words)], 1, 1, NamesUnknown: false, []), 0.4f).ToString());

    [Theory]
    [InlineData(1, 3, 0.25f, "Loose")]
    [InlineData(1, 3, 0.23f, "None")]
    [InlineData(60, 60, 0.45f, "None")]
    [InlineData(60, 60, 0.52f, "Firm")]
    public void More_documents_and_chunks_ask_more_of_a_sentence(int documents, int chunks, float sentence, string fit) =>
        Assert.Equal(fit, Relevance.Of(new Found([Passage(0.1f, sentence, 0)], documents, chunks, NamesUnknown: false, []), 0.4f)
            .ToString());

    [Fact]
    public void Name_that_no_document_has_takes_from_the_fit()
    {
        Assert.Equal(Fit.Loose, Relevance.Of(new Found([Passage(0.1f, 0.3f, 0)], 1, 3, NamesUnknown: false, []), 0.4f));
        Assert.Equal(Fit.None, Relevance.Of(new Found([Passage(0.1f, 0.3f, 0)], 1, 3, NamesUnknown: true, []), 0.4f));
        Assert.Equal(Fit.Firm, Relevance.Of(new Found([Passage(0.51f, 0, 0)], 1, 3, NamesUnknown: true, []), 0.4f));
    }

    [Theory]
    [InlineData("Do cats purr at Dogs?", false)]
    [InlineData("Why do they purr in Paris?", true)]
    [InlineData("Paris is what?", false)]
    [InlineData("Do cats purr since 1998?", true)]
    public void Name_counts_as_unknown_where_no_document_has_it_and_it_is_not_the_first_word(string question, bool unknown)
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        Assert.Equal(unknown, new Retriever(Encoder).Find(library.Store.Catalog, question, 5, null).NamesUnknown);
    }

    [Fact]
    public void Loose_fit_is_answered_with_a_doubt()
    {
        var encoder = new AngleEncoder { LeastRelevant = 0.4f };
        using var library = new DocumentLibrary(DocumentStore.Open(Store, create: true), Model, encoder, 320);
        const string Text =
            "A near sentence, at 0.30 of everything that may be asked here.\nA far one, at -0.90 of everything that may be asked.";
        library.Ingest([Folder.File("own/two.txt", Text)]);
        Answer answer = library.Ask("Asked?");
        Assert.Equal("An answer", answer.Complete());
        Assert.True(answer.IsDoubtful);
        Assert.Equal(0.3f, answer.Sources[0].SentenceCosine, 0.001f);
        Assert.All(library.AskAll(["Asked?"]), stream => Assert.True(stream.IsDoubtful));
        Assert.Equal(Answer.NothingRelevant, library.Ask("Asked?", new AskOptions { MinScore = 0.31f }).Complete());
        Assert.False(library.Ask("Asked?", new AskOptions { MinScore = 0.29f }).IsDoubtful);
    }

    [Fact]
    public void Store_without_sentences_embedded_gets_them_at_the_next_ingest()
    {
        using (DocumentLibrary library = Open())
        {
            library.Ingest([Documents]);
        }

        using (DocumentLibrary library = Open(encoder: _judge))
        {
            Assert.All(library.Search("Why do cats purr?"), passage => Assert.Equal(0, passage.SentenceCosine));
            library.Ingest([Documents]);
            Assert.All(library.Search("Why do cats purr?", 1), passage => Assert.InRange(passage.SentenceCosine, 0.1f, 1.001f));
        }

        int embedded = _judge.Embedded;
        using DocumentLibrary again = Open(encoder: _judge);
        again.Ingest([Documents]);
        Assert.Equal(embedded, _judge.Embedded);
    }

    [SkippableFact]
    public void Questions_are_told_from_those_of_other_documents()
    {
        using Judged facts = Judge(SharedData.Require("data/facts/docs.jsonl"));
        string[] own = Questions("data/facts/questions.jsonl"),
            foreign = [.. s_everydayQuestions, .. Questions("data/hotpotqa/questions.jsonl")];
        Assert.Equal(0, own.Where((_, i) => i % 4 == 0).Count(facts.Refuses));
        Assert.InRange(foreign.Where((_, i) => i % 4 == 0).Count(question => !facts.Refuses(question)), 0, 2);
    }

    [SkippableFact]
    public void Questions_in_other_words_on_a_handbook_are_answered_and_others_refused()
    {
        using Judged handbook = Judge(SharedData.Require("cases/documents/handbook.md")), rules = Judge(HouseRules.File);
        Assert.InRange(Questions("cases/handbook-questions.jsonl").Count(handbook.Refuses), 0, 1);
        Assert.InRange(HouseRules.Questions.Count(rules.Refuses), 0, 2);
        Assert.InRange(s_everydayQuestions.Count(handbook.Refuses), 42, 60);
        Assert.InRange(s_everydayQuestions.Count(rules.Refuses), 42, 60);
    }

    private static Passage Passage(float cosine, float sentence, float words) =>
        new()
        {
            File = "f",
            DocumentId = null,
            Title = "",
            Chunk = 0,
            Start = 0,
            Text = "",
            Score = 0,
            Cosine = cosine,
            SentenceCosine = sentence,
            Bm25 = 0,
            Words = words
        };

    private Judged Judge(string file)
    {
        StoreNumber++;
        Model encoder = Kvasir.Models.Model.Load(SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf"));
        var library = new DocumentLibrary(DocumentStore.Open(Store, create: true), Model, new ModelEncoder(encoder), 200);
        library.Ingest([file]);
        return new Judged(encoder, library);
    }

    private sealed record Judged(Model Encoder, DocumentLibrary Library) : IDisposable
    {
        public bool Refuses(string question)
        {
            Answer answer = Library.Ask(question);
            answer.Complete();
            return answer.FinishReason == "irrelevant";
        }

        public void Dispose()
        {
            Library.Dispose();
            Encoder.Dispose();
        }
    }

    /// <summary>Texts that say "at X" have the cosine X with all that do not.</summary>
    private sealed class AngleEncoder : ITextEncoder
    {
        public string Identity => "angles";

        public float LeastRelevant { get; init; }

        public float[] Embed(string text)
        {
            float[] cosines = [.. System.Text.RegularExpressions.Regex.Matches(text, @"at (-?\d\.\d+)")
                .Select(match => float.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture))];
            float cosine = cosines.Length == 0 ? 1 : cosines.Average();
            return [cosine, MathF.Sqrt(1 - cosine * cosine)];
        }
    }

    private static string[] Questions(string relative) =>
        [.. File.ReadLines(SharedData.Require(relative))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("question").GetString()!)];
}
