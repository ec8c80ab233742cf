using Kvasir.Tokenization;
using Kvasir.Training.Data;
using Kvasir.Training.Demonstration;

namespace Kvasir.Training.Tests.Demonstration;

public sealed class DemonstrationSequencesTests
{
    private const int Rows = 1000, Length = 384;

    private static readonly Tokenizer s_tokenizer = BpeTrainer.Train(
        new DemonstrationData(1, Split.Train).Take(1000).SelectMany(example => example.Passages), 1200, [BpeVocabulary.EndOfText])
        .ToTokenizer();

    private static readonly DemonstrationSequences s_data = new(1, s_tokenizer, Rows);

    [Fact]
    public void The_first_rows_repeat_tokens_that_were_drawn_by_chance()
    {
        (int[] ids, int[] targets, float[] weights) = Row(0);
        int run = Enumerable.Range(1, Length - 1).First(shift => Enumerable.Range(0, Length - shift).All(i => ids[i] == ids[i + shift]));
        Assert.InRange(run, 8, 100);
        Assert.Equal(ids[1..], targets[..^1]);
        Assert.Equal(run - 1, Array.FindIndex(weights, weight => weight > 0));
    }

    [Fact]
    public void Then_passages_come_with_questions_of_which_the_answers_count_and_at_first_the_passages_a_little()
    {
        var examples = new DemonstrationData(1, Split.Train) { Questions = 16 };
        foreach ((int first, float rest) in new[] { (Rows / 4, 0.15f), (Rows * 3 / 4, 0f) })
        {
            int row = Enumerable.Range(first, Rows / 4).First(row => examples[row].Passages.Sum(Tokens) < Length / 3);
            (int[] ids, int[] targets, float[] weights) = Row(row);
            DemonstrationExample example = examples[row];
            string text = s_tokenizer.Decode(ids), learned = s_tokenizer.Decode([.. targets.Where((_, i) => weights[i] == 1)]);
            Assert.StartsWith("<|endoftext|>" + example.Passages[0].Trim(), text, StringComparison.Ordinal);
            Assert.StartsWith($" {example.Answer}<|endoftext|>", learned, StringComparison.Ordinal);
            Assert.True(example.Exchanges.Count > 2);
            Assert.All(weights[..5], weight => Assert.Equal(rest, weight));
        }
    }

    [Fact]
    public void A_training_that_goes_on_repeats_some_rows_to_the_end_and_weighs_their_tokens_less()
    {
        var data = new DemonstrationSequences(1, s_tokenizer, Rows, goesOn: true);
        float[][] weights = [.. Enumerable.Range(0, 600).Select(row => Row(row, data).Weights)];
        Assert.InRange(weights.Count(row => row.Contains(0.2f)), 12, 44);
        Assert.Contains(weights[400..], row => row.Contains(0.2f));
        Assert.All(weights, row => Assert.All(row, weight => Assert.True(weight is 0 or 0.2f or 1, $"{weight}")));
    }

    /// <summary>Made-up names differ with every draw, so the words that are looked for are such as no list of values can give.</summary>
    [Fact]
    public void A_training_that_goes_on_has_answers_of_words_that_no_list_has()
    {
        string[] odd = ["qzxq", "xqzz", "zzqx"];
        Tokenizer tokenizer = BpeTrainer.Train(Enumerable.Repeat("a qzxq xqzz zzqx", 50), 300, [BpeVocabulary.EndOfText]).ToTokenizer();
        double Share(OpenWords? words)
        {
            string[] answers = [.. new DemonstrationData(1, Split.Train) { OpenWords = words }.Take(2000)
                .Where(example => example.Answer != Exchange.NotStated)
                .SelectMany(example => example.Answer.ToLowerInvariant().Split(' '))];
            return (double)answers.Count(word => odd.Contains(word)) / answers.Length;
        }

        Assert.Equal(0, Share(null));
        Assert.InRange(Share(new OpenWords(tokenizer)), 0.03, 0.5);
    }

    [Fact]
    public void Open_words_are_written_as_what_they_replace()
    {
        var words = new OpenWords(s_tokenizer);
        var draws = new Draws(Split.Train, 1, 1);
        for (int n = 0; n < 100; n++)
        {
            string name = words.InPlaceOf("Ada Brandt", draws), thing = words.InPlaceOf("red chair", draws);
            Assert.All(name.Split(' '), word => Assert.True(char.IsAsciiLetterUpper(word[0]) && word.All(char.IsAsciiLetter), name));
            Assert.All(thing, letter => Assert.True(letter == ' ' || char.IsAsciiLetterLower(letter), thing));
        }
    }

    private static int Tokens(string text) => s_tokenizer.Encode(text, parseSpecial: false, addSpecial: false).Length;

    private static (int[] Ids, int[] Targets, float[] Weights) Row(long index, DemonstrationSequences? data = null)
    {
        (int[] ids, int[] targets, float[] weights) = (new int[Length], new int[Length], new float[Length]);
        (data ?? s_data).Fill(index, ids, targets, weights);
        return (ids, targets, weights);
    }
}
