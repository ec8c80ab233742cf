using System.Numerics.Tensors;
using Kvasir.Training.Data;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Tests;

public sealed class RecallInitializationTests
{
    private static readonly LlamaShape s_shape = new()
    {
        Vocabulary = 64,
        Width = 192,
        Layers = 3,
        Heads = 6,
        KvHeads = 6,
        KeySize = 32,
        ValueSize = 32,
        FeedForward = 64,
        Context = 64,
        RopeBase = 100_000,
    };

    /// <summary>Tokens by chance, repeated: of all but the one that it stands at, it often holds the right one for the likeliest.</summary>
    [Fact]
    public void A_model_that_has_learned_nothing_repeats_what_came_before()
    {
        double drawn = ShareOfRepetition(recalls: false), recalling = ShareOfRepetition(recalls: true);
        Assert.True(drawn < 0.1 && recalling > 0.2, $"{drawn:0.00} without, {recalling:0.00} with");
    }

    [Fact]
    public void Shapes_that_have_no_room_for_it_are_refused()
    {
        LlamaShape thin = s_shape with { KeySize = 16 };
        Assert.Throws<InvalidInputException>(() => RecallInitialization.Apply(thin, LlamaParameters.Initial(thin, 1), 1));
    }

    private static double ShareOfRepetition(bool recalls)
    {
        const int Run = 20, Length = 40;
        var batch = new TokenBatch(4, Length);
        var random = new SeededRandom(5, 0);
        for (int row = 0; row < batch.Sequences; row++)
        {
            int[] run = [.. Enumerable.Range(0, Run).Select(_ => random.Below(s_shape.Vocabulary))];
            for (int i = 0; i < Length; i++)
            {
                int at = row * Length + i;
                (batch.Ids[at], batch.Targets[at]) = (run[i % Run], run[(i + 1) % Run]);
                batch.Weights[at] = i < Run ? 0 : 1f / (batch.Sequences * Run);
            }
        }
        LlamaParameters parameters = LlamaParameters.Initial(s_shape, 1);
        if (recalls) RecallInitialization.Apply(s_shape, parameters, 1);
        LlamaModel model = TinyTraining.Model(s_shape, parameters, batch.Sequences, Length, trains: false);
        using var crew = new Crew(1);
        int right = 0;
        crew.Run(worker =>
        {
            model.Forward(worker, batch.Ids);
            model.Select(worker, batch.Weights);
            model.Project(worker, model.HeadRange(0));
        });
        for (int i = 0; i < model.Selected; i++)
        {
            int row = model.SelectedRow(i);
            model.Logits(i)[batch.Ids[row]] = float.MinValue;
            if (TensorPrimitives.IndexOfMax<float>(model.Logits(i)) == batch.Targets[row]) right++;
        }
        return (double)right / model.Selected;
    }
}
