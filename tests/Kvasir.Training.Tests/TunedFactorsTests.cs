using Kvasir.Cache;
using Kvasir.Calibration;
using Kvasir.Models;
using Kvasir.Quantization;
using Kvasir.Training.Data;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;
using Kvasir.Training.Runs;

namespace Kvasir.Training.Tests;

/// <summary>Factors that were fine-tuned, in the engine.</summary>
public sealed class TunedFactorsTests : IDisposable
{
    private const int Rank = 3, First = 70, Tokens = 80;

    private static readonly TuningSettings Settings = new() { Steps = 8, Batch = 4, Length = 10, Rate = 0.01f, Places = 1 };

    private readonly TemporaryFolder _folder = new();
    private readonly string _model, _factors;
    private readonly int[] _ids = TinyTraining.Text[..Tokens];
    private readonly float[] _expected;

    public TunedFactorsTests()
    {
        (_model, _factors) = (Path.Combine(_folder.Path, "model.gguf"), Path.Combine(_folder.Path, "tuned.factors"));
        LlamaShape shape = TinyTraining.Shape with
        {
            KeySize = 8,
            ValueSize = 8,
            Width = 32,
            FeedForward = 64,
            Context = 128,
            Vocabulary = 257,
        };
        LlamaParameters parameters = LlamaParameters.Initial(shape, 1);
        foreach ((int i, Parameter parameter) in parameters.All.Index())
            if (!parameter.IsVector) new SeededRandom(3, (ulong)i).FillNormal(parameter.Values, 0.25);
        GgufExport.Write(_model, shape, parameters, BpeTrainer.Train(["a b c"], 257, [BpeVocabulary.EndOfText]), TensorType.F32);
        string identity;
        using (Model model = Model.Load(_model)) identity = model.Identity;
        float[] down = new float[Rank * 8], up = new float[8 * Rank];
        for (int i = 0; i < Rank; i++) (down[i * 8 + 2 * i], up[2 * i * Rank + i]) = (1, 1);
        HeadFactors[] heads = [.. Enumerable.Repeat(new HeadFactors(true, 8, down, up, []), shape.KvHeads)];
        var start = new KeyFactors(identity, "prerope", [.. Enumerable.Repeat<IReadOnlyList<HeadFactors>>(heads, shape.Layers)]);
        LlamaImport import = LlamaImport.Read(_model);
        using var tuning = new FactorTuning(import, start, TinyTraining.Text, Settings, 1);
        for (int i = 0; i < Settings.Steps; i++) tuning.Trainer.Step();
        tuning.Write(_factors);
        _expected = Logits(shape, tuning.Parameters);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>What is read back from the cache of a prompt in whole blocks, and from its newest tokens.</summary>
    [Fact]
    public void The_engine_gives_the_logits_that_the_tuned_model_gave_in_the_trainer()
    {
        using Model model = Model.Load(_model, new ModelOptions { Compute = ComputeMode.Float32 });
        float[] found = Run(model, $"k=f32,v=f32,thin={Rank},profile={_factors}");
        for (int i = 0; i < found.Length; i++) Assert.Equal(_expected[i], found[i], 1e-3f);
        Assert.Contains(Run(model, "k=f32,v=f32").Zip(_expected), pair => Math.Abs(pair.First - pair.Second) > 0.05);
    }

    [Fact]
    public void Sequences_of_one_batch_are_projected_each_by_its_own_weights()
    {
        using Model model = Model.Load(_model, new ModelOptions { Compute = ComputeMode.Float32 });
        string[] policies = ["k=f32,v=f32", $"k=f32,v=f32,thin={Rank},profile={_factors}", "k=f32,v=f32"];
        KvCache[] caches = [.. policies.Select(policy => model.NewCache(model.Prepare(KvPolicy.Parse(policy))))];
        using var batch = new Batch();
        foreach (KvCache cache in caches) batch.Add(cache, _ids.AsSpan(0, 9));
        model.Forward(batch);
        Assert.Equal(batch.Logits(0), batch.Logits(2));
        Assert.NotEqual(batch.Logits(0).ToArray(), batch.Logits(1).ToArray());
        float[] together = batch.Logits(1).ToArray();
        using KvCache alone = model.NewCache(model.Prepare(KvPolicy.Parse(policies[1])));
        batch.Clear();
        batch.Add(alone, _ids.AsSpan(0, 9));
        model.Forward(batch);
        for (int i = 0; i < together.Length; i++) Assert.Equal(together[i], batch.Logits(0)[i], 1e-5f);
        foreach (KvCache cache in caches) cache.Dispose();
    }

    [Fact]
    public void Tuned_weights_that_were_damaged_are_refused()
    {
        byte[] bytes = File.ReadAllBytes(_factors);
        bytes[^40] ^= 1;
        File.WriteAllBytes(_factors, bytes);
        using Model model = Model.Load(_model);
        KvPolicy policy = KvPolicy.Parse($"thin={Rank},profile={_factors}");
        Assert.Contains("damaged", Assert.Throws<InvalidInputException>(() => model.Prepare(policy)).Message, StringComparison.Ordinal);
    }

    private float[] Logits(LlamaShape shape, LlamaParameters parameters)
    {
        LlamaModel model = TinyTraining.Model(shape, parameters, 1, Tokens, trains: false);
        using var crew = new Crew(1);
        crew.Run(worker =>
        {
            model.Forward(worker, _ids);
            model.Select(worker, [.. _ids.Select(_ => 1f)]);
            model.Project(worker, new RowRange(0, Tokens));
        });
        return [.. Enumerable.Range(First, Tokens - First).SelectMany(row => model.Logits(row).ToArray())];
    }

    private float[] Run(Model model, string policy)
    {
        using KvCache cache = model.NewCache(model.Prepare(KvPolicy.Parse(policy)));
        using var batch = new Batch();
        batch.Add(cache, _ids.AsSpan(0, First), LogitRows.None);
        model.Forward(batch);
        batch.Clear();
        batch.Add(cache, _ids.AsSpan(First), LogitRows.All);
        model.Forward(batch);
        return [.. Enumerable.Range(0, Tokens - First).SelectMany(row => batch.Logits(row).ToArray())];
    }
}
