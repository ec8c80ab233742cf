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
        foreach ((int row, float rest) in new[] { (Rows / 4, 0.15f), (Rows - 1, 0f) })
        {
            (int[] ids, int[] targets, float[] weights) = Row(row);
            DemonstrationExample example = new DemonstrationData(1, Split.Train) { Questions = 16 }[row];
            string text = s_tokenizer.Decode(ids), learned = s_tokenizer.Decode([.. targets.Where((_, i) => weights[i] == 1)]);
            Assert.StartsWith("<|endoftext|>" + example.Passages[0].Trim(), text, StringComparison.Ordinal);
            Assert.StartsWith($" {example.Answer}<|endoftext|>", learned, StringComparison.Ordinal);
            Assert.True(example.Exchanges.Count > 2);
            Assert.All(weights[..5], weight => Assert.Equal(rest, weight));
        }
    }

    private static (int[] Ids, int[] Targets, float[] Weights) Row(long index)
    {
        (int[] ids, int[] targets, float[] weights) = (new int[Length], new int[Length], new float[Length]);
        s_data.Fill(index, ids, targets, weights);
        return (ids, targets, weights);
    }
}
