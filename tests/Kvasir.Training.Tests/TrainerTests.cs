using Kvasir.Training.Data;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;
using Kvasir.Training.Optimization;
using Kvasir.Training.Runs;

namespace Kvasir.Training.Tests;

public sealed class TrainerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, OptimizerKind.AdamW)]
    [InlineData(true, OptimizerKind.AdamW)]
    [InlineData(false, OptimizerKind.Muon)]
    [InlineData(true, OptimizerKind.Muon)]
    internal void A_text_that_repeats_itself_is_learned(bool thin, OptimizerKind optimizer)
    {
        using var crew = new Crew(2);
        LlamaShape shape = thin ? TinyTraining.Thin : TinyTraining.Shape;
        Trainer trainer = TinyTraining.Trainer(shape, TinyTraining.Settings with { Steps = 150, Optimizer = optimizer }, crew);
        double first = trainer.Step(), last = 0;
        Assert.Equal(Math.Log(40), first, 0.2);
        for (int i = 1; i < 150; i++) last = trainer.Step();
        Assert.InRange(last, 0, 1.5);
    }

    [Theory]
    [InlineData(OptimizerKind.AdamW)]
    [InlineData(OptimizerKind.Muon)]
    internal void Steps_are_the_same_bits_for_any_number_of_threads_and_others_for_another_seed(OptimizerKind optimizer)
    {
        Assert.Equal(Train(1, 1), Train(3, 1));
        Assert.NotEqual(Train(1, 1), Train(1, 2));

        float[] Train(int threads, ulong seed)
        {
            using var crew = new Crew(threads);
            TrainingSettings settings = TinyTraining.Settings with { Seed = seed, Optimizer = optimizer };
            Trainer trainer = TinyTraining.Trainer(TinyTraining.Shape, settings, crew);
            for (int i = 0; i < 4; i++) trainer.Step();
            return TinyTraining.State(trainer);
        }
    }

    [Theory]
    [InlineData(OptimizerKind.AdamW)]
    [InlineData(OptimizerKind.Muon)]
    internal void A_training_that_was_resumed_is_the_uninterrupted_one_bit_for_bit(OptimizerKind optimizer)
    {
        TrainingSettings settings = TinyTraining.Settings with { Optimizer = optimizer };
        string path = Path.Combine(_folder.Path, "training");
        using var crew = new Crew(2);
        Trainer whole = TinyTraining.Trainer(TinyTraining.Shape, settings, crew);
        double[] expected = [.. Enumerable.Range(0, 9).Select(_ => whole.Step())];
        Trainer begun = TinyTraining.Trainer(TinyTraining.Shape, settings, crew);
        for (int i = 0; i < 4; i++) Assert.Equal(expected[i], begun.Step());
        Checkpoint.Save(path, "kind: a", begun);
        Trainer resumed = TinyTraining.Trainer(TinyTraining.Shape, settings, crew);
        Checkpoint.Load(path, "kind: a", resumed);
        Assert.Equal(4, resumed.Steps);
        for (int i = 4; i < 9; i++) Assert.Equal(expected[i], resumed.Step());
        Assert.Equal(TinyTraining.State(whole), TinyTraining.State(resumed));
    }

    [Fact]
    public void Gradients_added_up_over_passes_are_those_of_the_whole_batch()
    {
        using var crew = new Crew(1);
        Trainer once = TinyTraining.Trainer(TinyTraining.Shape, TinyTraining.Settings, crew);
        Trainer inParts = TinyTraining.Trainer(TinyTraining.Shape, TinyTraining.Settings with { Passes = 2 }, crew);
        for (int i = 0; i < 3; i++) Assert.Equal(once.Step(), inParts.Step(), 1e-5);
        float[] expected = TinyTraining.State(once), found = TinyTraining.State(inParts);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], 2e-3f);
    }

    [Theory]
    [InlineData(OptimizerKind.AdamW)]
    [InlineData(OptimizerKind.Muon)]
    internal void A_step_allocates_nothing(OptimizerKind optimizer)
    {
        using var crew = new Crew(1);
        Trainer trainer = TinyTraining.Trainer(TinyTraining.Shape, TinyTraining.Settings with { Optimizer = optimizer }, crew);
        trainer.Step();
        trainer.Step();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 5; i++) trainer.Step();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_checkpoint_that_does_not_fit_is_refused_with_the_difference()
    {
        string path = Path.Combine(_folder.Path, "training");
        using var crew = new Crew(1);
        Trainer trainer = TinyTraining.Trainer(TinyTraining.Shape, TinyTraining.Settings, crew);
        trainer.Step();
        Checkpoint.Save(path, "seed: 1\nwidth: 24", trainer);
        string message = Assert.Throws<InvalidInputException>(() => Checkpoint.Load(path, "seed: 1\nwidth: 32", trainer)).Message;
        Assert.Contains("width: 24", message, StringComparison.Ordinal);
        Assert.Contains("width: 32", message, StringComparison.Ordinal);
        byte[] bytes = File.ReadAllBytes(path);
        foreach (int length in new[] { 0, 7, 12, 30, bytes.Length - 1 })
        {
            File.WriteAllBytes(path, bytes[..length]);
            Assert.Throws<InvalidInputException>(() => Checkpoint.Load(path, "seed: 1\nwidth: 24", trainer));
        }
        bytes[^100] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Throws<InvalidInputException>(() => Checkpoint.Load(path, "seed: 1\nwidth: 24", trainer));
    }

    [Fact]
    public void Only_the_marked_tokens_of_an_example_are_learned()
    {
        using var crew = new Crew(1);
        TrainingSettings settings = TinyTraining.Settings with { Batch = 2, Steps = 80 };
        Example[] both = [new([1, 2, 3, 4], [false, false, false, true]), new([5, 6, 7, 8], [false, false, true, true])];
        var examples = new Examples(both, 1);
        LlamaModel model = TinyTraining.Model(TinyTraining.Shape, LlamaParameters.Initial(TinyTraining.Shape, 1), 2);
        var trainer = new Trainer(settings, model, examples, crew);
        for (int i = 0; i < settings.Steps; i++) trainer.Step();
        var batch = new TokenBatch(2, TinyTraining.Length);
        examples.Fill(0, batch.Ids.AsSpan(0, 12), batch.Targets.AsSpan(0, 12), batch.Weights.AsSpan(0, 12));
        examples.Fill(1, batch.Ids.AsSpan(12, 12), batch.Targets.AsSpan(12, 12), batch.Weights.AsSpan(12, 12));
        Assert.Equal(3, batch.Weights.Sum());
        var all = new TokenBatch(2, TinyTraining.Length);
        batch.Targets.CopyTo(all.Targets, 0);
        Array.Fill(all.Weights, 1);
        crew.Run(worker =>
        {
            model.Forward(worker, batch.Ids);
            model.Learn(worker, all, backward: false);
        });
        for (int i = 0; i < batch.Rows; i++)
            if (batch.Weights[i] == 1) Assert.InRange(model.Losses[i], 0, 0.2f);
            else if (batch.Targets[i] != 0) Assert.InRange(model.Losses[i], 1, 100);
    }
}
