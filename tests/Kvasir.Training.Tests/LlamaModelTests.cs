using Kvasir.Training.Models;
using Kvasir.Training.Operations;
using Kvasir.Training.Tests.Operations;

namespace Kvasir.Training.Tests;

public sealed class LlamaModelTests
{
    private static readonly TokenBatch Batch = NewBatch();

    /// <summary>
    /// How the loss changes along a random direction of one parameter is the product of the direction and the gradient: a term that is
    /// missing anywhere between that parameter and the loss is seen.
    /// </summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Gradients_of_all_parameters_are_how_the_loss_changes(bool thin, bool factored)
    {
        LlamaShape shape = thin && !factored ? TinyTraining.Thin : TinyTraining.Shape;
        LlamaParameters parameters = LlamaParameters.Initial(shape, 3);
        if (factored) parameters = WithFactors(shape, parameters);
        foreach (Parameter parameter in parameters.All) // larger than at the start of a training, so that all terms count
            for (int i = 0; i < parameter.Values.Length; i++) parameter.Values[i] += GradientCheck.Random(1, i, 0.3)[0];
        LlamaModel model = TinyTraining.Model(shape, parameters, Batch.Sequences, Batch.Length);
        using var crew = new Crew(2);
        double Loss()
        {
            crew.Run(worker =>
            {
                model.Forward(worker, Batch.Ids);
                model.Learn(worker, Batch, backward: false);
            });
            return model.TotalLoss(Batch);
        }
        crew.Run(worker =>
        {
            model.Forward(worker, Batch.Ids);
            model.Learn(worker, Batch);
        });
        foreach (Parameter parameter in parameters.All)
        {
            float[] direction = GradientCheck.Random(parameter.Values.Length, 5), before = [.. parameter.Values];
            double expected = direction.Zip(parameter.Gradient, (d, g) => (double)d * g).Sum(), step = 1e-3;
            Move(step);
            double above = Loss();
            Move(-step);
            double change = (above - Loss()) / (2 * step);
            before.CopyTo(parameter.Values, 0);
            Assert.True(
                Math.Abs(change - expected) < 3e-3 * Math.Max(1, Math.Abs(expected)), $"{parameter.Name}: {expected}, it is {change}");

            void Move(double by)
            {
                for (int i = 0; i < before.Length; i++) parameter.Values[i] = before[i] + (float)(by * direction[i]);
            }
        }
    }

    [Fact]
    public void What_does_not_train_has_no_gradient_and_leaves_the_others_as_they_are()
    {
        float[] Gradient(bool all)
        {
            LlamaParameters parameters = LlamaParameters.Initial(TinyTraining.Shape, 3);
            foreach (Parameter parameter in parameters.All) parameter.Trains = all || parameter.Name == "blk.0.attn_q.weight";
            LlamaModel model = TinyTraining.Model(TinyTraining.Shape, parameters, Batch.Sequences, Batch.Length);
            using var crew = new Crew(1);
            crew.Run(worker =>
            {
                model.Forward(worker, Batch.Ids);
                model.Learn(worker, Batch);
            });
            return parameters.Layers[0].Query.Gradient;
        }
        Assert.Contains(Gradient(all: true), value => value != 0);
        Assert.Equal(Gradient(all: true), Gradient(all: false));
    }

    [Fact]
    public void A_model_that_only_goes_forward_gives_the_same_losses_and_a_copy_diverges_by_nothing()
    {
        LlamaParameters parameters = LlamaParameters.Initial(TinyTraining.Shape, 3);
        LlamaModel student = TinyTraining.Model(TinyTraining.Shape, parameters, Batch.Sequences, Batch.Length);
        LlamaModel teacher = TinyTraining.Model(TinyTraining.Shape, parameters, Batch.Sequences, Batch.Length, trains: false);
        using var crew = new Crew(2);
        crew.Run(worker =>
        {
            student.Forward(worker, Batch.Ids);
            student.Learn(worker, Batch, backward: false);
            teacher.Forward(worker, Batch.Ids);
            teacher.Learn(worker, Batch, backward: false);
        });
        Assert.Equal(student.Losses, teacher.Losses);
        crew.Run(worker => student.Learn(worker, Batch, teacher));
        Assert.All(student.Losses, loss => Assert.Equal(0, loss, 1e-5f));
        Assert.All(parameters.Layers[0].Query.Gradient, gradient => Assert.Equal(0, gradient, 1e-5f));
    }

    private static LlamaParameters WithFactors(LlamaShape shape, LlamaParameters parameters) => parameters with
    {
        Layers = [.. parameters.Layers.Select((layer, index) =>
        {
            int[] ranks = index == 0 ? [3, 1] : [2, 2];
            return layer with
            {
                Key = new Parameter($"{index}.factors", ranks.Sum(), shape.Width) { Trains = true },
                KeyExpansion = new KeyExpansion(ranks, shape.KeySize,
                    new Parameter($"{index}.expansion", ranks.Sum(), shape.KeySize) { Trains = true }),
            };
        })],
    };

    private static TokenBatch NewBatch()
    {
        var batch = new TokenBatch(3, 7);
        var random = new Random(1);
        for (int i = 0; i < batch.Rows; i++)
            (batch.Ids[i], batch.Targets[i], batch.Weights[i]) = (random.Next(40), random.Next(40), i % 5 == 0 ? 0 : 1f / batch.Rows);
        return batch;
    }
}
