using Kvasir.Documents.Retrieval;

namespace Kvasir.Documents.Tests;

public sealed class QuotedSentencesTests
{
    private const string Town =
        "Marrow lies on a hill. The mayor of Marrow is Ada Brandt. The market of Marrow opens at nine.\n\nIts bakers are approved by nobody.";

    [Theory]
    [InlineData("Who is the mayor of Marrow?", "The mayor of Marrow is Ada Brandt.")]
    [InlineData("When does Marrow's market open?", "The market of Marrow opens at nine.")]
    [InlineData("who approves a baker", "Its bakers are approved by nobody.")]
    public void The_sentence_with_most_and_rarest_words_of_the_question_comes_last(string question, string best) =>
        Assert.Equal(best, QuotedSentences.Find([Town], question, 2)[^1]);

    [Fact]
    public void What_shares_no_word_is_never_said_again()
    {
        Assert.Empty(QuotedSentences.Find([Town], "Who sails the ferry?", 2));
        Assert.Single(QuotedSentences.Find([Town], "Where are the bakers?", 2));
        Assert.Empty(QuotedSentences.Find([Town], "What is it all about?", 2));
        Assert.Empty(QuotedSentences.Find([Town], "Who is the mayor of Marrow?", 0));
    }

    [Fact]
    public void All_passages_are_looked_at_and_a_sentence_is_said_once() => Assert.Equal(
        ["Cats purr.", "Dogs bark at cats."], QuotedSentences.Find(["Cats purr. It rains.", "Dogs bark at cats.", "Cats purr."], "dogs, cats", 3));

    [Fact]
    public void Lines_of_a_row_stay_together_and_items_of_a_list_do_not()
    {
        Assert.Equal(["Item: goat cheese\nPrice: 4.20"], QuotedSentences.Find(["Item: bread\nPrice: 3\n\nItem: goat cheese\nPrice: 4.20"],
            "What does the cheese cost?", 1));
        Assert.Equal(["- 150 g walnuts"], QuotedSentences.Find(["- 500 g flour\n- 150 g walnuts\n- 7 g yeast"], "How many walnuts?", 1));
        Assert.Equal(["walnuts | 150 g"], QuotedSentences.Find(["What | Weight\nflour | 500 g\nwalnuts | 150 g"], "How many walnuts?", 1));
    }

    [Fact]
    public void A_sentence_that_was_broken_into_lines_is_said_whole() => Assert.Equal(
        ["The office on the second floor, where in the winter months Ada Brandt is the one who stamps passports, is closed."],
        QuotedSentences.Find(["It rains. The office on the second floor, where in the winter\nmonths Ada Brandt is the one who stamps "
            + "passports,\nis closed. Come again."], "Who stamps passports?", 1));

    [Theory]
    [InlineData("approves", "approved", true)]
    [InlineData("baker", "bakers", true)]
    [InlineData("cat", "cats", true)]
    [InlineData("cat", "cattle", false)]
    [InlineData("car", "cat", false)]
    [InlineData("station", "statements", false)]
    [InlineData("station", "statute", true)] // the price of a rule without a dictionary
    [InlineData("1999", "1998", false)]
    public void Forms_of_a_word_begin_alike(string word, string other, bool are) => Assert.Equal(are, Words.AreForms(word, other));
}
