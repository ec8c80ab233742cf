using Kvasir.Cache;
using Kvasir.Numerics;

namespace Kvasir.Tests.Cache;

/// <summary>Random policies, lengths and operations against <see cref="OracleCache"/>.</summary>
[Trait("Category", "Kernels")]
public sealed class CacheFuzzTests : IDisposable
{
    private const int Operations = 14;

    private readonly string _folder = Directory.CreateTempSubdirectory("kvasir-fuzz").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Caches_agree_with_plain_bookkeeping_whatever_is_done_to_them(int part)
    {
        for (int round = 0; round < 60; round++) Round(part * 1000 + round);
    }

    private void Round(int seed)
    {
        var random = new Random(seed);
        IReadOnlyList<KernelPath> paths = KernelPaths.Supported;
        int kvHeads = random.Next(1, 4), channels = 16 * random.Next(1, 5), window = random.Next(5) == 0
            ? random.Next(1, 120) : int.MaxValue;
        var fixture = new SequenceFixture(seed, kvHeads, channels, window, random.Next(2) == 0, paths[seed % paths.Count]);
        using var pool = new BlockPool();
        var pairs = new List<(KvCache Cache, OracleCache Oracle)>();
        Add(NewPolicy(random, kvHeads));
        for (int step = 0; step < Operations; step++)
        {
            int at = random.Next(pairs.Count);
            (KvCache cache, OracleCache oracle) = pairs[at];
            string operation = Operate(random, fixture, pairs, at);
            foreach ((KvCache held, OracleCache expected) in pairs)
            {
                Assert.True(expected.Length == held.Length, $"seed {seed}, {operation}: length {held.Length}, {expected.Length} expected");
                Assert.True(expected.Bytes == held.Bytes,
                    $"seed {seed}, {operation}, {held.Policy}: {held.Bytes} bytes, {expected.Bytes} expected");
            }
            long bytes = pairs.SelectMany(pair => pair.Oracle.Blocks).Where(block => !block.Mapped)
                .Distinct(ReferenceEqualityComparer.Instance).Sum(block => ((OracleCache.Block)block!).Bytes)
                + pairs.Sum(pair => pair.Oracle.TailBytes);
            Assert.True(bytes == pool.Bytes, $"seed {seed}, {operation}: the pool holds {pool.Bytes} bytes, {bytes} expected");
            (cache, oracle) = pairs[random.Next(pairs.Count)];
            if (cache.Length > 0) CompareAttention(random, fixture, cache, oracle, $"seed {seed}, {operation}, {cache.Policy}");
        }
        foreach ((KvCache cache, _) in pairs) cache.Dispose();
        Assert.Equal(0, pool.Bytes);

        void Add(KvPolicy policy) => pairs.Add((new KvCache(fixture.Layout, policy, pool), new OracleCache(fixture.Layer, policy)));
    }

    /// <summary>Does one thing to one of the caches and the same to its oracle; says what.</summary>
    private string Operate(Random random, SequenceFixture fixture, List<(KvCache Cache, OracleCache Oracle)> pairs, int at)
    {
        (KvCache cache, OracleCache oracle) = pairs[at];
        switch (random.Next(10))
        {
            case 0 when pairs.Count < 4:
                pairs.Add((cache.Fork(), oracle.Fork()));
                return "fork";
            case 1:
                int length = random.Next(cache.Length + 1);
                cache.Truncate(length);
                oracle.Truncate(length);
                return $"truncate to {length}";
            case 2:
                cache.Seal();
                oracle.Seal();
                return "seal";
            case 3:
                KvPolicy policy = NewPolicy(random, fixture.Layer.KvHeads);
                pairs[at] = (cache.Convert(policy), oracle.Convert(policy));
                cache.Dispose();
                return $"convert to {policy}";
            case 4 when pairs.Count > 1:
                cache.Dispose();
                pairs.RemoveAt(at);
                return "dispose";
            case 5 or 6 when cache.Length > 0:
                (KvCache target, OracleCache expected) = pairs[random.Next(pairs.Count)];
                SaveAndPlace(random, fixture, cache, oracle, target, expected);
                return "save and place";
            default:
                int tokens = random.Next(4) == 0 ? 1 : random.Next(1, 71);
                Append(fixture, cache, oracle, tokens);
                return $"append {tokens}";
        }
    }

    /// <summary>Saves a cache, or only what is appended behind a border, and places the file at the end of another or the same.</summary>
    private void SaveAndPlace(
        Random random, SequenceFixture fixture, KvCache cache, OracleCache oracle, KvCache target, OracleCache expected)
    {
        int firstToken = 0;
        if (random.Next(2) == 0)
        {
            cache.Seal();
            oracle.Seal();
            firstToken = cache.Length;
            Append(fixture, cache, oracle, random.Next(1, 71));
        }
        string path = Path.Combine(_folder, $"{Guid.NewGuid():N}.kv");
        cache.Save(path, new int[cache.Length - firstToken], firstToken);
        oracle.Seal();
        using (KvFile file = KvFile.Open(path, fixture.Layout, verify: true))
        {
            OracleCache saved = oracle.Fork();
            bool convert = random.Next(2) == 0, needed = convert && !expected.KeepsAs(saved, firstToken);
            if (convert) Assert.Equal(needed, target.PlaceConverted(file));
            else target.Place(file);
            expected.Place(saved, firstToken, needed);
        }
        File.Delete(path);
    }

    private static void Append(SequenceFixture fixture, KvCache cache, OracleCache oracle, int tokens)
    {
        int position = cache.Length, first = fixture.Keys.Count;
        long most = cache.Bytes + cache.Layers[0].Heads.Sum(head => head.MostGrowthBytes(tokens));
        fixture.Append(cache, tokens);
        Assert.InRange(cache.Bytes, 0, most);
        oracle.Append(
            [.. Enumerable.Range(0, tokens)
            .Select(t =>
            new OracleCache.Token([.. fixture.Keys[first + t].Select(key => fixture.Rotated(key, position + t))],
            fixture.Values[first + t]))]);
    }

    private static void CompareAttention(Random random, SequenceFixture fixture, KvCache cache, OracleCache oracle, string what)
    {
        int group = random.Next(1, 5), tokens = random.Next(3) == 0 ? random.Next(1, 16) : 1, head = random.Next(fixture.Layer.KvHeads);
        tokens = Math.Min(tokens, cache.Length);
        int position = cache.Length - (random.Next(4) == 0 ? random.Next(tokens, cache.Length + 1) : tokens);
        float[][] queries = fixture.Queries(tokens * group);
        float[] actual = fixture.Attend(cache, head, queries, position, group);
        for (int r = 0; r < queries.Length; r++)
        {
            var turned = new Dictionary<int, float[]>();
            double[] expected = oracle.Attend(head, position + r / group, at =>
                turned.TryGetValue(at, out float[]? known) ? known : turned[at] = fixture.Rotated(queries[r], at), out double tolerance);
            for (int c = 0; c < expected.Length; c++)
                if (!(Math.Abs(expected[c] - actual[r * expected.Length + c]) <= tolerance))
                    Assert.Fail(
                        $"{what}: row {r}, channel {c}: {expected[c]} expected, {actual[r * expected.Length + c]} found, tolerance "
                        + $"{tolerance}");
        }
    }

    private static KvPolicy NewPolicy(Random random, int kvHeads)
    {
        string[] names = ["f32", "f16", "q8", "kivi4", "kivi3", "kivi2"];
        var policy = new KvPolicy
        {
            Keys = Name(),
            Values = Name(),
            Group = random.Next(2) == 0 ? 16 : 32,
            ScaleBits = random.Next(2) == 0 ? 8 : 16,
            Residual = 32 * random.Next(4),
            Sink = 32 * random.Next(3),
        };
        if (random.Next(4) == 0)
            policy = policy with
            {
                Auto = KvBudget.Parse("3bit"),
                Keys = "f16",
                Values = "f16",
                Group = 32,
                Chosen = new HeadFormats(
                [[.. Enumerable.Range(0, kvHeads)
                .Select(_ => (OracleCache.Name(Name(), 32, policy.ScaleBits), OracleCache.Name(Name(), 32, policy.ScaleBits)))]])
            };
        return policy;

        string Name() => names[random.Next(names.Length)];
    }
}
