using Kvasir.Models;
using Kvasir.Numerics;
using Kvasir.Tokenization;
using Kvasir.Training.Data;
using Kvasir.Training.Models;

namespace Kvasir.Training.Tests;

public sealed class TrainedModelTests
{
    private const string Text =
        "The harbour master opens the harbour gate. The gate of the harbour is green, and the master's coat is green too. ";

    /// <summary>A token that both vocabularies have keeps its row; another is the mean of the pieces that its text was made of.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void With_another_vocabulary_a_token_begins_as_the_mean_of_its_pieces(bool tied)
    {
        BpeVocabulary small = Vocabulary(270), large = Vocabulary(300);
        var shape = new LlamaShape
        {
            Vocabulary = small.Tokens.Count,
            Width = 16,
            Layers = 1,
            Heads = 2,
            KvHeads = 2,
            KeySize = 8,
            ValueSize = 8,
            FeedForward = 16,
            Context = 32,
            Tied = tied,
        };
        var rotary = new Rotary(RotaryFrequencies.Plain(10_000, 8), interleaved: true);
        var model = new TrainedModel(new LlamaImport(shape, LlamaParameters.Initial(shape, 5), rotary), small);
        TrainedModel next = model.With(large);

        Assert.Equal(large.Tokens.Count, next.Model.Shape.Vocabulary);
        Assert.Equal(tied, next.Model.Parameters.Tied);
        Assert.Equal(model.Model.Parameters.Layers, next.Model.Parameters.Layers);
        Tokenizer pieces = small.ToTokenizer(), words = large.ToTokenizer();
        int means = 0;
        for (int token = 0; token < large.Tokens.Count; token++)
        {
            int same = small.Tokens.ToList().IndexOf(large.Tokens[token]);
            int[] from = same >= 0 ? [same] : pieces.Encode(words.Decode([token]), parseSpecial: false);
            means += from.Length > 1 ? 1 : 0;
            Assert.Equal(Mean(model.Model.Parameters.Embedding, from), Row(next.Model.Parameters.Embedding, token), Close);
            Assert.Equal(Mean(model.Model.Parameters.Output, from), Row(next.Model.Parameters.Output, token), Close);
        }

        Assert.InRange(means, 10, large.Tokens.Count);
        Assert.All(next.Model.Parameters.All, parameter => Assert.True(parameter.Trains));
    }

    private static BpeVocabulary Vocabulary(int size) => BpeTrainer.Train([Text, Text], size, [BpeVocabulary.EndOfText]);

    private static float[] Row(Parameter rows, int row) => rows.Values[(row * rows.Columns)..((row + 1) * rows.Columns)];

    private static float[] Mean(Parameter rows, int[] of) =>
        [.. Enumerable.Range(0, rows.Columns).Select(column => of.Average(row => rows.Values[row * rows.Columns + column]))];

    private static bool Close(float expected, float actual) => Math.Abs(expected - actual) < 1e-6f;
}
