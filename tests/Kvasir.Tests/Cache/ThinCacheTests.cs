using Kvasir.Cache;
using Kvasir.Numerics;

namespace Kvasir.Tests.Cache;

/// <summary>
/// Caches whose keys are thin: attention is that over the keys which the factors give back, wherever tokens stand and however they are
/// kept.
/// </summary>
[Trait("Category", "Kernels")]
public sealed unsafe class ThinCacheTests
{
    public static TheoryData<int, bool, bool> Paths
    {
        get
        {
            var data = new TheoryData<int, bool, bool>();
            foreach (KernelPath path in KernelPaths.Supported)
                foreach ((bool before, bool mean) in new[] { (true, true), (true, false), (false, true) }) data.Add((int)path, before, mean);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Attention_is_over_the_keys_that_the_factors_give_back(int path, bool beforeRotation, bool mean)
    {
        var fixture = new SequenceFixture(31, channels: 24, interleaved: path % 2 == 0, path: (KernelPath)path);
        KeyFactors factors = Factors(fixture, beforeRotation, [7, 16], mean);
        using KvCache cache = NewCache(fixture, factors, "k=f32,v=f32");
        fixture.Append(cache, 150);
        SequenceFixture given = Given(fixture, factors, beforeRotation, until: 128);
        for (int head = 0; head < 2; head++)
            foreach (int rows in new[] { 1, 3, 7, 30 })
            {
                float[][] queries = fixture.Queries(rows);
                SequenceFixture.Close(
                    given.Expected(head, queries, 150, rows, 150), fixture.Attend(cache, head, queries, 150, rows), 2e-3f);
            }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Chunks_that_stand_elsewhere_and_pruned_ones_are_read_where_they_stand(bool beforeRotation)
    {
        var fixture = new SequenceFixture(32, channels: 32);
        KeyFactors factors = Factors(fixture, beforeRotation, [8, 8], mean: false);
        using KvCache prefix = NewCache(fixture, factors, "k=f32,v=f32"), chunk = NewCache(fixture, factors, "k=f32,v=f32"), placed =
            NewCache(fixture, factors, "k=f32,v=f32");
        fixture.Append(prefix, 11);
        fixture.Append(chunk, 150);
        placed.Place(prefix, 0);
        placed.Place(chunk, 0); // 11 positions behind where it was computed
        using KvCache pruned = NewCache(fixture, factors, "k=f32,v=f32"), exact = placed.Convert(KvPolicy.Parse("k=f32,v=f32"));
        pruned.PlacePruned(chunk, 0, (_, head) => [.. Enumerable.Range(0, 150).Where(i => i % (3 + head) != 0).Select(i => (ushort)i)]);
        using KvCache exactPruned = pruned.Convert(KvPolicy.Parse("k=f32,v=f32"));
        for (int head = 0; head < 2; head++)
            foreach (int rows in new[] { 2, 30 })
            {
                float[][] queries = fixture.Queries(rows);
                SequenceFixture.Close(
                    fixture.Attend(exact, head, queries, 161, rows), fixture.Attend(placed, head, queries, 161, rows), 1e-3f);
                SequenceFixture.Close(
                    fixture.Attend(exactPruned, head, queries, 161, rows), fixture.Attend(pruned, head, queries, 161, rows), 1e-3f);
            }
        if (!beforeRotation) return;
        // Given back, each key is what the factors leave of it at the place it was computed at.
        SequenceFixture given = Given(fixture, factors, beforeRotation, until: int.MaxValue, first: 11);
        float[] keys = Decoded(placed, 0, segment: 1);
        for (int t = 0; t < 32; t++)
            SequenceFixture.Close(
                given.Rotated(given.Keys[11 + t][0], t), [.. Enumerable.Range(0, 32).Select(c => keys[c * KvBlock.Tokens + t])], 1e-4f);
    }

    [Theory]
    [InlineData(true, "f32", 1e-5)]
    [InlineData(false, "f32", 1e-5)]
    [InlineData(true, "f16", 1e-2)]
    [InlineData(false, "f16", 1e-2)]
    public void At_the_full_rank_nothing_changes(bool beforeRotation, string codec, double tolerance)
    {
        var fixture = new SequenceFixture(33, channels: 16);
        KeyFactors factors = Factors(fixture, beforeRotation, [16, 16], mean: true);
        using KvCache whole = fixture.NewCache(), thin = NewCache(fixture, factors, $"k={codec},v=f32");
        fixture.Append(whole, 100);
        thin.Append(100, seal: true, (_, head, token, key, value) =>
        {
            fixture.Rotated(fixture.Keys[token][head], token).CopyTo(key);
            fixture.Values[token][head].CopyTo(value);
        });
        for (int head = 0; head < 2; head++)
        {
            float[][] queries = fixture.Queries(4);
            SequenceFixture.Close(
                fixture.Attend(whole, head, queries, 100, 4), fixture.Attend(thin, head, queries, 100, 4), (float)tolerance * 10);
        }
    }

    [Theory]
    [InlineData("k=f16,v=f16", 4)]
    [InlineData("k=f32,v=f16", 2)]
    public void Key_bytes_are_the_ranks_share_of_float16s_to_the_byte(string policy, int timesSmaller)
    {
        var fixture = new SequenceFixture(34, channels: 64);
        KeyFactors factors = Factors(fixture, true, [10, 22], mean: false); // per head, a quarter of 64 on average
        using KvCache whole = fixture.NewCache("k=f16,v=f16"), thin = NewCache(fixture, factors, policy);
        fixture.Append(whole, 320);
        fixture.Append(thin, 320);
        long valueBytes = 2L * 320 * 64 * sizeof(ushort), keyBytes = whole.Bytes - valueBytes;
        Assert.Equal(valueBytes, keyBytes);
        Assert.Equal(keyBytes / timesSmaller, thin.Bytes - valueBytes);
        Assert.Equal(thin.Bytes, new KvForecast(fixture.Layout, thin.Policy, 1, 512).SavedBytes(0, 320));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Saved_caches_are_read_with_their_factors_and_refused_without(bool beforeRotation)
    {
        using var folder = new TemporaryFolder();
        var fixture = new SequenceFixture(35, channels: 32);
        KeyFactors factors = Factors(fixture, beforeRotation, [8, 12], mean: true);
        using KvCache cache = NewCache(fixture, factors, "k=kivi4,v=kivi4");
        fixture.Append(cache, 200);
        string path = folder.Sub("thin.kv");
        cache.Save(path, new int[200]);
        using (KvFile file = KvFile.Open(path, fixture.Layout, verify: true))
        {
            Assert.Equal(cache.Policy, file.Policy);
            using KvCache loaded = fixture.NewCache();
            loaded.Place(file);
            float[][] queries = fixture.Queries(3);
            Assert.Equal(fixture.Attend(cache, 1, queries, 200, 3), fixture.Attend(loaded, 1, queries, 200, 3));
        }
        string problem = Assert.Throws<InvalidInputException>(() => KvFile.Open(path, fixture.LayoutOf("model", "tokenizer"))).Message;
        Assert.Contains(path, problem, StringComparison.Ordinal);
        Assert.Contains(factors.ShortIdentity, problem, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', problem);
    }

    [Fact]
    public void A_whole_file_becomes_thin_and_a_thin_one_never_whole()
    {
        using var folder = new TemporaryFolder();
        var fixture = new SequenceFixture(36, channels: 32);
        KeyFactors factors = Factors(fixture, true, [8, 12], mean: false), others = Factors(fixture, true, [9, 11], mean: false);
        using KvCache whole = fixture.NewCache(), thin = NewCache(fixture, factors, "k=f16,v=f16");
        fixture.Append(whole, 200);
        string path = folder.Sub("whole.kv"), made = folder.Sub("thin.kv");
        whole.Save(path, new int[200]);
        KvFile.Convert(path, made, fixture.Layout, thin.Policy);
        using KvFile file = KvFile.Open(made, fixture.Layout, verify: true);
        thin.Place(file);
        using KvCache directly = whole.Convert(thin.Policy);
        float[][] queries = fixture.Queries(3);
        Assert.Equal(fixture.Attend(directly, 0, queries, 200, 3), fixture.Attend(thin, 0, queries, 200, 3));
        Assert.Equal(thin.Bytes, directly.Bytes);

        Assert.True(KvPolicy.Parse("k=f32,v=f32").CanBecome(thin.Policy) && KvPolicy.Default.CanBecome(thin.Policy));
        Assert.False(thin.Policy.CanBecome(KvPolicy.Default));
        Assert.False(thin.Policy.CanBecome(Policy("k=f16,v=f16", others)));
        Assert.True(thin.Policy.CanBecome(Policy("k=kivi4,v=f16,sink=0", factors)));
        Assert.False(thin.Policy.CanBecome(Policy("k=kivi4,v=f16", factors)), "the sink would pass for exact");
        Assert.False(KvPolicy.Parse("k=kivi4,v=kivi4").CanBecome(Policy("k=kivi4,v=kivi4", factors)));
    }

    [Fact]
    public void A_policy_names_its_factors()
    {
        var fixture = new SequenceFixture(37);
        KeyFactors factors = Factors(fixture, true, [8, 8], mean: false);
        KvPolicy policy = Policy("k=kivi4,v=kivi4", factors), parsed = KvPolicy.Parse(policy.ToString());
        Assert.Equal(policy, parsed);
        Assert.EndsWith($",thin=8@{factors.ShortIdentity}", policy.ToString(), StringComparison.Ordinal);
        Assert.NotEqual(policy, Policy("k=kivi4,v=kivi4", Factors(fixture, false, [8, 8], mean: false)));
        Assert.NotEqual(policy, KvPolicy.Parse("k=kivi4,v=kivi4"));
        Assert.Contains("kvasir factor",
            Assert.Throws<InvalidInputException>(() => new KvCache(fixture.Layout, KvPolicy.Parse("thin=50%"), new BlockPool())).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Many_sequences_and_kept_lists_far_out_do_not_disturb_the_angles()
    {
        var rotary = new Rotary([1, 0.1, 0.003], interleaved: false);
        var runs = new RotaryRuns(rotary, 8);
        float* angles = stackalloc float[8];
        foreach (int position in new[] { 0, 1, 31, 32, 8191, 131_071, 5_000_000, -40 })
        {
            runs.Fill(position, angles, AttentionKernels.For(KernelPaths.Choose()).Rotations);
            foreach ((int j, double frequency) in new[] { 0, 0.003, 0.1, 1 }.Index())
            {
                Assert.Equal(Math.Cos(position * frequency), angles[j], 1e-6);
                Assert.Equal(Math.Sin(position * frequency), angles[4 + j], 1e-6);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Kept_channels_give_the_factors_product_also_where_these_depend_on_each_other(int directions)
    {
        int[] wanted = [1, 2, 6];
        var random = new Random(5);
        float[] down = [.. Enumerable.Range(0, 4 * 8).Select(_ => (float)random.NextDouble())], up = new float[8 * 4];
        for (int c = 0; c < 8; c++)
            for (int i = 0; i < 4; i++) up[c * 4 + i] = i < directions ? (float)Math.Cos(c * (i + 1)) : up[c * 4] * (i - 2);
        var kept = new KeptChannels(new HeadFactors(true, 8, down, up, []), wanted);
        Assert.Equal(4, kept.Channels.Distinct().Count());
        float[] keptDown = kept.Down;
        for (int c = 0; c < 8; c++)
            for (int x = 0; x < 8; x++)
            {
                double expected = Enumerable.Range(0, 4).Sum(i => (double)up[c * 4 + i] * down[i * 8 + x]);
                double found = kept.Coefficients(c).Index().Sum(
                    coefficient => (double)coefficient.Item * keptDown[coefficient.Index * 8 + x]);
                Assert.Equal(expected, found, 1e-4 * Math.Max(1, Math.Abs(expected)));
            }
    }

    internal static KvPolicy Policy(string text, KeyFactors factors) =>
        KvPolicy.Parse(text) with { Thin =
            new ThinKeys(factors.TotalRank / factors.Heads.Count(), null, factors.ShortIdentity) { Factors = factors } };

    private static KvCache NewCache(SequenceFixture fixture, KeyFactors factors, string policy)
    {
        fixture.Layout.Codecs.Add(factors);
        return new KvCache(fixture.Layout, Policy(policy, factors), new BlockPool());
    }

    /// <summary>Random factors whose product at the full rank is the identity.</summary>
    private static KeyFactors Factors(SequenceFixture fixture, bool beforeRotation, int[] ranks, bool mean)
    {
        int channels = fixture.Layer.KeyChannels;
        HeadFactors Head(int rank)
        {
            var basis = MathNet.Numerics.LinearAlgebra.Matrix<double>.Build.DenseOfRowMajor(
                channels, channels, fixture.Random(channels * channels).Select(x => (double)x));
            var up = basis.QR().Q; // with columns of different lengths, so that down is no mere transposition
            float[] lengths = [.. Enumerable.Range(1, channels).Select(i => 0.5f + i % 3)];
            return new HeadFactors(
                beforeRotation, channels,
                [.. Enumerable.Range(0, rank * channels).Select(i => (float)up[i % channels, i / channels] / lengths[i / channels])],
                [.. Enumerable.Range(0, channels * rank).Select(i => (float)up[i / rank, i % rank] * lengths[i % rank])], mean
                    ? fixture.Random(channels) : []);
        }
        return new KeyFactors("model", "made up", [[.. ranks.Select(Head)]]);
    }

    /// <summary>The same tokens with the keys that factors give back.</summary>
    private static SequenceFixture Given(SequenceFixture fixture, KeyFactors factors, bool beforeRotation, int until, int first = 0)
    {
        var given = new SequenceFixture(0, channels: fixture.Layer.KeyChannels, interleaved: fixture.Rotary.Interleaved);
        for (int token = 0; token < fixture.Keys.Count; token++)
        {
            given.Values.Add(fixture.Values[token]);
            given.Keys.Add([.. fixture.Keys[token].Select(
                (key, head) => token >= until ? key : Back(factors.Layers[0][head], key, token - first))]);
        }
        return given;

        float[] Back(HeadFactors head, float[] key, int position)
        {
            if (beforeRotation) return Projected(head, key);
            return fixture.Rotated(Projected(head, fixture.Rotated(key, position)), -position);
        }
    }

    private static float[] Projected(HeadFactors head, float[] key)
    {
        int size = head.Channels, rank = head.Rank;
        double Mean(int c) => head.Mean.Length == 0 ? 0 : head.Mean[c];
        double[] thin = [.. Enumerable.Range(0, rank).Select(
            i => Enumerable.Range(0, size).Sum(c => head.Down[i * size + c] * (key[c] - Mean(c))))];
        return [.. Enumerable.Range(0, size).Select(
            c => (float)(Enumerable.Range(0, rank).Sum(i => head.Up[c * rank + i] * thin[i]) + Mean(c)))];
    }

    private static float[] Decoded(KvCache cache, int head, int segment)
    {
        LayerLayout layout = cache.Layers[0].Layout;
        KvSegment blocks = cache.Layers[0].Heads[head].Segments[segment];
        float[] keys = new float[layout.KeyChannels * KvBlock.Tokens];
        fixed (float* k = keys) blocks.Codec.Keys.Decode(blocks.Keys(0), layout.KeyChannels, k, blocks.Context(layout, 0));
        return keys;
    }
}
