using Kvasir.Cache;
using Kvasir.Calibration;
using Kvasir.Factoring;
using Kvasir.Models;
using Kvasir.Numerics;
using Kvasir.Reference;
using Kvasir.Tests.Models;
using MathNet.Numerics.LinearAlgebra;

namespace Kvasir.Tests.Factoring;

/// <summary>Factors of whole models, the files they are kept in, and policies that go by them.</summary>
public sealed class KeyFactoringTests : IDisposable
{
    private static readonly int[] Ids = [.. Enumerable.Range(0, 120).Select(i => (i * 7 + i / 24) % 24)];

    private readonly TemporaryFolder _folder = new();
    private readonly Model _model;

    public KeyFactoringTests()
    {
        string[] tokens = [.. Enumerable.Range('a', SmallGolden.Model.Vocabulary - 1).Select(letter => $"{(char)letter}"), "ab"];
        _model = Model.Load(TinyHfModel.WriteGguf(
            SmallGolden.Model, _folder, "llama", permutes: true, ("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.pre", "gpt-2"),
            ("tokenizer.ggml.tokens", tokens), ("tokenizer.ggml.merges", new[] { "a b" })),
                new ModelOptions { Compute = ComputeMode.Float32 });
    }

    private static string Text => string.Concat(Enumerable.Range(0, 2000).Select(i => (char)('a' + i * i % 23)));

    private int Size => _model.CacheLayout.Layers[0].KeyChannels;

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(FactoringMethod.PreRope)]
    [InlineData(FactoringMethod.KqSvd)]
    [InlineData(FactoringMethod.KqSvdCentred)]
    [InlineData(FactoringMethod.Svd)]
    internal void At_the_full_rank_no_method_changes_a_model(FactoringMethod method)
    {
        KvPolicy thin = Prepared(Make(method, new ThinKeys(Size, null)), $"thin={Size}");
        Near(Logits(_model, KvPolicy.Parse("k=f32,v=f32")), Logits(_model, thin), 1e-4);
    }

    [Fact]
    public void Before_rotation_what_is_lost_of_the_scores_is_what_was_cut_off()
    {
        var random = new Random(12);
        Matrix<double> Gram() => Matrix<double>.Build.Dense(8, 8, (_, _) => random.NextDouble() - 0.5) is var root ? root * root.Transpose()
            : root;
        Matrix<double> queries = Gram(), keys = Gram();
        RotatedChannels[] pairs = [new(0, 4, 1), new(1, 5, 0.3), new(2, 6, 0.05), new(3, 7, 0)];
        HeadDecomposition found = PreRotationFactors.Of(queries, keys, pairs, 50);
        Matrix<double> lost = Matrix<double>.Build.DenseIdentity(8) - found.Up.SubMatrix(0, 8, 0, 3) * found.Down.SubMatrix(0, 3, 0, 8);
        double error = (PreRotationFactors.MeanMetric(queries, pairs, 50) * lost * keys * lost.Transpose()).Trace();
        Assert.Equal(found.Weights.Skip(3).Sum(), error, 1e-6 * found.Weights[0]);
        Assert.Equal(found.Weights.OrderDescending(), found.Weights);
    }

    [Fact]
    public void Ranks_by_head_keep_to_the_budget()
    {
        KeyFactors factors = Make(FactoringMethod.PreRope, new ThinKeys(null, 0.25), perHead: true);
        Assert.Equal(factors.Heads.Count() * Size * 3 / 4, factors.TotalRank);
        Assert.True(factors.Heads.Select(head => head.Rank).Distinct().Count() > 1);
        Assert.All(factors.Heads, head => Assert.InRange(head.Rank, FactoringOptions.LeastRank, Size));
        Prepared(factors, "thin=25%");
    }

    [Fact]
    public void The_mean_metric_is_the_sum_over_positions()
    {
        var rotary = new Rotary([1.7, 0.4, 0.01], interleaved: true);
        var layer = new LayerLayout(1, 10, 10, int.MaxValue, rotary); // four channels are not turned
        var random = new Random(3);
        Matrix<double> root = Matrix<double>.Build.Dense(10, 10, (_, _) => random.NextDouble() - 0.5), metric =
            root * root.Transpose(), sum = Matrix<double>.Build.Dense(10, 10);
        for (int s = 0; s < 37; s++)
        {
            Matrix<double> turn = Matrix<double>.Build.DenseIdentity(10);
            for (int j = 0; j < 3; j++)
            {
                (double sin, double cos) = Math.SinCos(s * rotary.Frequencies[j]);
                (turn[2 * j, 2 * j], turn[2 * j, 2 * j + 1], turn[2 * j + 1, 2 * j], turn[2 * j + 1, 2 * j + 1]) = (cos, -sin, sin, cos);
            }
            sum += turn.Transpose() * metric * turn;
        }
        Assert.InRange((PreRotationFactors.MeanMetric(metric, RotatedChannels.Of(layer), 37) - sum / 37).L2Norm(), 0, 1e-12);
    }

    [Fact]
    public void Score_factors_are_better_than_any_others_of_their_rank()
    {
        var random = new Random(9);
        Matrix<double> Some(int rows, double decay) =>
            Matrix<double>.Build.Dense(rows, 8, (_, c) => (random.NextDouble() - 0.5) * Math.Pow(decay, c)) * Matrix<double>.Build.Random(
            8, 8, 4);
        Matrix<double> queries = Some(200, 0.7), keys = Some(300, 0.6);
        HeadDecomposition found = ScoreFactors.Of(queries.Transpose() * queries / 200, keys.Transpose() * keys / 300, []);
        double Error(Matrix<double> up, Matrix<double> down) =>
            (queries * (Matrix<double>.Build.DenseIdentity(8) - up * down) * keys.Transpose()).FrobeniusNorm();
        double best = (queries * keys.Transpose()).Svd().S.Skip(3).Select(value => value * value).Sum();
        Assert.Equal(Math.Sqrt(best), Error(found.Up.SubMatrix(0, 8, 0, 3), found.Down.SubMatrix(0, 3, 0, 8)),
            1e-6 * Math.Sqrt(best) + 1e-9);
    }

    [Theory]
    [InlineData(new[] { 5.0, 4, 1 }, new[] { 3.0, 2, 0.5 }, 4, 1, new[] { 2, 2 })]
    [InlineData(new[] { 9.0, 8, 7 }, new[] { 3.0, 2, 0.5 }, 4, 1, new[] { 3, 1 })]
    [InlineData(new[] { 1.0, 1, 1 }, new[] { 1.0, 1, 1 }, 3, 1, new[] { 2, 1 })]
    [InlineData(new[] { 9.0, 8, 7 }, new[] { 3.0, 2, 0.5 }, 3, 4, new[] { 2, 1 })]
    [InlineData(new[] { 9.0, 8, 7 }, new[] { 3.0, 2, 0.5 }, 6, 4, new[] { 3, 3 })]
    public void Ranks_go_to_the_largest_weights(double[] first, double[] second, int total, int least, int[] expected) =>
        Assert.Equal(expected, RankAllocation.Solve([first, second], total, least));

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        string path = _folder.Sub("p.factors"), json = _folder.File("p.json", "{\"kind\":\"other\"}"u8);
        KeyFactors factors = Make(FactoringMethod.PreRope, new ThinKeys(null, 0.5));
        KeyFactorsFile.Write(path, factors);
        Refused("thin=75%,profile=" + path, "75%", "50%");
        Refused($"thin={Size + 1},profile=" + path, $"{Size}");
        Refused("thin=50%", "kvasir factor");
        Refused("thin=50%,profile=" + json, json);
        Refused("thin=50%,profile=" + _folder.Sub("none"), "none", "no such file");
        Refused($"thin=50%,profile={path}+{path}", "two files");
        Refused($"auto:3bit,profile={path}", path, "thin");
        Refused($"thin=50%@0123456789abcdef,profile={path}", factors.ShortIdentity);
        KeyFactorsFile.Write(path, new KeyFactors("0000", "prerope", factors.Layers));
        Refused("thin=50%,profile=" + path, "another model");
        Assert.Contains("tokens", Assert.Throws<InvalidInputException>(() => Run(new ThinKeys(4, null), null, "abc")).Message,
            StringComparison.Ordinal);
        Assert.Contains($"{Size}", Assert.Throws<InvalidInputException>(() => Run(new ThinKeys(Size + 1, null), null, Text)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_gives_one_line()
    {
        string path = _folder.Sub("p.factors");
        KeyFactorsFile.Write(path, Make(FactoringMethod.PreRope, new ThinKeys(null, 0.5)));
        byte[] sound = File.ReadAllBytes(path);
        var random = new Random(8);
        for (int round = 0; round < 150; round++)
        {
            byte[] bytes = [.. sound];
            if (round % 3 == 0) bytes = bytes[..random.Next(bytes.Length)];
            else for (int i = 0; i <= round % 4; i++) bytes[random.Next(round % 2 == 0 ? bytes.Length / 4 : bytes.Length)] ^= (byte)(
                1 << random.Next(8));
            File.WriteAllBytes(path, bytes);
            try
            {
                KeyFactors read = KeyFactorsFile.Read(path, _model.Identity, _model.CacheLayout);
                Assert.Equal(sound.Length, bytes.Length); // only what says nothing was hit, such as a digit of a name that is not read
                Assert.Null(read.Misfit(_model.CacheLayout));
            }
            catch (InvalidInputException problem)
            {
                Assert.DoesNotContain('\n', problem.Message);
                Assert.Contains(path, problem.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Numbers_that_are_none_are_refused()
    {
        string path = _folder.Sub("p.factors");
        KeyFactors factors = Make(FactoringMethod.PreRope, new ThinKeys(null, 0.5));
        factors.Layers[0][0].Down[3] = float.NaN;
        KeyFactorsFile.Write(path, new KeyFactors(factors.Model, factors.Method, factors.Layers));
        Refused("thin=50%,profile=" + path, "finite");
    }

    [Fact]
    public void Sequences_of_different_policies_run_in_one_batch()
    {
        KvPolicy thin = Prepared(Make(FactoringMethod.PreRope, new ThinKeys(null, 0.5)), "thin=50%"), whole = KvPolicy.Default;
        float[][] alone = [Logits(_model, thin), Logits(_model, whole)];
        using KvCache first = _model.NewCache(thin), second = _model.NewCache(whole);
        using var batch = new Batch();
        foreach (int[] part in new[] { Ids[..^1], Ids[^1..] })
        {
            batch.Clear();
            batch.Add(first, part);
            batch.Add(second, part);
            _model.Forward(batch);
        }
        Near(alone[0], batch.Logits(0), 1e-4);
        Near(alone[1], batch.Logits(1), 1e-4);
    }

    [Fact]
    public void Thin_keys_take_bits_by_head_too()
    {
        KeyFactors factors = Make(FactoringMethod.PreRope, new ThinKeys(null, 0.5));
        string path = _folder.Sub("p.factors"), auto = _folder.Sub("auto.json");
        KeyFactorsFile.Write(path, factors);
        Calibration.MadeUpProfile.For(_model).Save(auto);
        KvPolicy policy = _model.Prepare(KvPolicy.Parse($"auto:9bit,thin=50%,profile={auto}+{path}"));
        using KvCache cache = _model.NewCache(policy);
        Assert.All(cache.Layers.SelectMany(layer => layer.Heads), head =>
            Assert.StartsWith($"thin{Size / 2}@{factors.ShortIdentity}/", head.Codec.Rest.Keys.Name, StringComparison.Ordinal));
        Assert.All(Logits(_model, policy), logit => Assert.True(float.IsFinite(logit)));
    }

    [SkippableFact]
    public void A_gpt2_loses_nothing_at_the_full_rank_and_refuses_what_needs_rotation()
    {
        using Model gpt2 = Model.Load(SharedData.Require("models/tiny/tiny-gpt2.gguf"), new ModelOptions { Compute = ComputeMode.Float32 });
        int size = gpt2.CacheLayout.Layers[0].KeyChannels;
        KeyFactors factors = new KeyFactoring(gpt2, new FactoringOptions { Thin = new ThinKeys(size, null) }).Run(null);
        Assert.Equal("svd", factors.Method);
        gpt2.CacheLayout.Codecs.Add(factors);
        Near(Logits(gpt2, KvPolicy.Parse("k=f32,v=f32")), Logits(gpt2, Tests.Cache.ThinCacheTests.Policy("k=f32,v=f32", factors)), 1e-5);
        Assert.Contains("layer 0",
            Assert.Throws<InvalidInputException>(
            () => new KeyFactoring(gpt2, new FactoringOptions { Thin = new ThinKeys(4, null), Method = FactoringMethod.PreRope })).Message,
            StringComparison.Ordinal);
    }

    private static float[] Logits(Model model, KvPolicy policy)
    {
        using KvCache cache = model.NewCache(policy);
        using var batch = new Batch();
        foreach (int[] part in new[] { Ids[..^1], Ids[^1..] })
        {
            batch.Clear();
            batch.Add(cache, part);
            model.Forward(batch);
        }
        return batch.Logits(0).ToArray();
    }

    private static void Near(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance)
    {
        double most = 1;
        foreach (float x in expected) most = Math.Max(most, Math.Abs(x));
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], tolerance * most);
    }

    private KeyFactors Make(FactoringMethod method, ThinKeys thin, bool perHead = false) => Run(thin, method, Text, perHead);

    private KeyFactors Run(ThinKeys thin, FactoringMethod? method, string? text, bool perHead = false) =>
        new KeyFactoring(_model, new FactoringOptions { Thin = thin, Method = method, PerHead = perHead }).Run(text);

    /// <summary>The policy with factors that have been written and read; keys and values in float32.</summary>
    private KvPolicy Prepared(KeyFactors factors, string thin)
    {
        string path = _folder.Sub($"{factors.ShortIdentity}.factors");
        KeyFactorsFile.Write(path, factors);
        KvPolicy policy = _model.Prepare(KvPolicy.Parse($"k=f32,v=f32,{thin},profile={path}"));
        Assert.Equal(factors.Identity, policy.Thin!.Factors!.Identity);
        return policy;
    }

    private void Refused(string policy, params string[] parts)
    {
        string problem = Assert.Throws<InvalidInputException>(() => _model.Prepare(KvPolicy.Parse(policy))).Message;
        Assert.DoesNotContain('\n', problem);
        Assert.All(parts, part => Assert.Contains(part, problem, StringComparison.Ordinal));
    }
}
