using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Numerics;
using Kvasir.Quantization;
using Kvasir.Training.Data;
using Kvasir.Training.Models;
using Kvasir.Training.Runs;

namespace Kvasir.Training.Tests;

public sealed class FactorTuningTests : IDisposable
{
    private static readonly LlamaShape Shape = TinyTraining.Shape with { KeySize = 8, ValueSize = 8, Width = 32, FeedForward = 64 };

    private static readonly TuningSettings Settings = new() { Steps = 60, Batch = 4, Length = 10, Rate = 0.003f, Places = 0.5 };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Factors_of_full_rank_change_nothing()
    {
        using var tuning = new FactorTuning(Model(), Factors(8), TinyTraining.Text, Settings, 1);
        Assert.Equal(0, tuning.Trainer.Step(), 1e-5); // a divergence of 0 may round to either side
    }

    [Fact]
    public void Tuning_brings_a_thin_model_nearer_to_the_full_one_and_touches_nothing_else()
    {
        LlamaImport model = Model();
        float[][] before = [.. model.Parameters.All.Select(parameter => parameter.Values.ToArray())];
        using var tuning = new FactorTuning(model, Factors(3), TinyTraining.Text, Settings, 2);
        double[] losses = [.. Enumerable.Range(0, 60).Select(_ => tuning.Trainer.Step())];
        Assert.InRange(losses[..10].Average(), 0.01, 3);
        Assert.InRange(losses[^10..].Average(), 0, losses[..10].Average() * 0.75);
        Assert.Equal(before, model.Parameters.All.Select(parameter => parameter.Values));
    }

    [Fact]
    public void A_tuning_that_was_resumed_is_the_uninterrupted_one()
    {
        string path = Path.Combine(_folder.Path, "tuning");
        using var whole = new FactorTuning(Model(), Factors(3), TinyTraining.Text, Settings, 2);
        using var begun = new FactorTuning(Model(), Factors(3), TinyTraining.Text, Settings, 2);
        using var resumed = new FactorTuning(Model(), Factors(3), TinyTraining.Text, Settings, 2);
        for (int i = 0; i < 2; i++) begun.Trainer.Step();
        begun.Save(path);
        resumed.Resume(path);
        resumed.Trainer.Step();
        for (int i = 0; i < 3; i++) whole.Trainer.Step();
        Assert.Equal(TinyTraining.State(whole.Trainer), TinyTraining.State(resumed.Trainer));
        using var other = new FactorTuning(Model(), Factors(2), TinyTraining.Text, Settings, 2);
        Assert.Throws<InvalidInputException>(() => other.Resume(path));
    }

    [Fact]
    public void A_file_gives_back_the_weights_that_were_written()
    {
        LlamaImport model = Model();
        LlamaShape shape = model.Shape with { Vocabulary = 257 };
        LlamaParameters parameters = LlamaParameters.Initial(shape, 2);
        string path = Path.Combine(_folder.Path, "m.gguf");
        GgufExport.Write(path, shape, parameters, BpeTrainer.Train(["a b c"], 257, [BpeVocabulary.EndOfText]), TensorType.F32);
        LlamaImport read = LlamaImport.Read(path);
        Assert.Equal(shape, read.Shape);
        Assert.Equal(parameters.All.Select(parameter => (parameter.Name, parameter.Values.Sum())),
            read.Parameters.All.Select(parameter => (parameter.Name, parameter.Values.Sum())));
        Assert.All(read.Parameters.All, parameter => Assert.False(parameter.Trains));
    }

    private static LlamaImport Model()
    {
        LlamaParameters parameters = LlamaParameters.Initial(Shape, 1);
        foreach (Parameter parameter in parameters.All)
        {
            if (!parameter.IsVector) new SeededRandom(3, (ulong)parameter.Values.Length).FillNormal(parameter.Values, 0.25);
            parameter.Trains = false;
        }
        return new LlamaImport(Shape, parameters, new Rotary(RotaryFrequencies.Plain(10000, Shape.KeySize), interleaved: true));
    }

    /// <summary>The first channels of a key, as they are.</summary>
    private static KeyFactors Factors(int rank)
    {
        float[] down = new float[rank * Shape.KeySize], up = new float[Shape.KeySize * rank];
        for (int i = 0; i < rank; i++) (down[i * Shape.KeySize + i], up[i * rank + i]) = (1, 1);
        HeadFactors[] heads = [.. Enumerable.Repeat(new HeadFactors(true, Shape.KeySize, down, up, []), Shape.KvHeads)];
        return new KeyFactors("a model", "prerope", [.. Enumerable.Repeat<IReadOnlyList<HeadFactors>>(heads, Shape.Layers)]);
    }
}
