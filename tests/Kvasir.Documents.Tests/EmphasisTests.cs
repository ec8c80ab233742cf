using Kvasir.Cache;

namespace Kvasir.Documents.Tests;

/// <summary>What of passages is emphasised for a question.</summary>
public sealed class EmphasisTests : LibraryFixture
{
    private static readonly Emphasis s_none = new() { Texts = [], Heads = [new SteeredHead(0, 0)] };

    [Theory]
    [InlineData("Cats purr when they rest. Dogs bark. The mayor of Yarcliff is old.", "Who is the mayor of Yarcliff?",
        "The mayor of Yarcliff is old.")]
    [InlineData("Dr. May met the Mayor. The mayor left Yarcliff.\nYarcliff had a mayor.", "mayor Yarcliff",
        "The mayor left Yarcliff.\n|Yarcliff had a mayor.")]
    [InlineData("Cats purr. Dogs bark.", "Who is the mayor?", "")]
    [InlineData("Cats purr. Dogs bark.", "is it?", "")]
    [InlineData("", "Who is the mayor?", "")]
    [InlineData("Built in 1562. Sold in 1700.", "What was in 1700?", "Sold in 1700.")]
    [InlineData("猫は眠る。犬は走る。", "犬?", "犬は走る。")]
    public void Sentences_that_share_most_words_with_the_question_tell(string passages, string question, string sentences) =>
        Assert.Equal(sentences, string.Join('|', TellingSentences.Find(passages, question).Select(part => passages[part.First..part.End])));

    [Fact]
    public void Telling_sentences_are_emphasised_in_the_passages_and_nowhere_else()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        library.Ask("Why do cats purr?", new AskOptions { Passages = 2, Emphasis = s_none, EmphasiseTerms = true }).Complete();
        Assert.NotEmpty(Model.LastEmphasis!.Spans);
        foreach (TokenSpan span in Model.LastEmphasis.Spans)
        {
            string sentence = Model.Decode([.. Model.LastPrompt.Take(span.End).Skip(span.First)]);
            Assert.Matches("(?i)cats|purr", sentence);
            Assert.DoesNotContain("Why", sentence, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Nothing_is_emphasised_where_nothing_is_asked_for()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        library.Ask("Why do cats purr?").Complete();
        Assert.Null(Model.LastEmphasis);
        library.Ask("Why do cats purr?", new AskOptions { Emphasis = s_none with { Texts = ["cats"] } }).Complete();
        Assert.Equal(["cats"], Model.LastEmphasis!.Texts);
        Assert.Empty(Model.LastEmphasis.Spans);
    }
}
