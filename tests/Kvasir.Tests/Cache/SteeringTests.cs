using Kvasir.Cache;

namespace Kvasir.Tests.Cache;

/// <summary>PASTA's terms, the biases they mean, and attention with them by the definition.</summary>
public sealed class SteeringTests
{
    [Theory]
    [InlineData("steer=7:11+20:25@2.8+7.0*0.01", "k=f16,v=f16,steer=7:11+20:25@2.8+7.0*0.01")]
    [InlineData("steer=0:1@all", "k=f16,v=f16,steer=0:1@all")]
    [InlineData("steer=0:1@12+17+3.4*1e-3", "k=f16,v=f16,steer=0:1@12+17+3.4*0.001")]
    [InlineData("k=kivi4,steer-mode=include,steer=3:9*100,profile=a.json+b.json",
        "k=kivi4,v=f16,steer=3:9*100,steer-mode=include,profile=a.json+b.json")]
    [InlineData("steer-mode=generation,steer=3:9@1.1", "k=f16,v=f16,steer=3:9@1.1,steer-mode=generation")]
    [InlineData("steer=3:9@1.1,steer-mode=exclude", "k=f16,v=f16,steer=3:9@1.1")]
    [InlineData("auto:3bit,steer=3:9", "auto:3bit,steer=3:9")]
    public void Steering_reads_back_as_it_prints(string text, string printed)
    {
        KvPolicy policy = KvPolicy.Parse(text);
        Assert.Equal(printed, policy.ToString());
        Assert.Equal(policy, KvPolicy.Parse(printed));
        Assert.Equal(policy.Steering, KvPolicy.Parse(printed).Steering);
        Assert.NotEqual(policy, policy.Unsteered);
        Assert.Null(policy.Unsteered.Steering);
    }

    [Theory]
    [InlineData("steer=", "''")]
    [InlineData("steer=7", "'7'")]
    [InlineData("steer=7:7@all", "'7:7'")]
    [InlineData("steer=9:7@all", "'9:7'")]
    [InlineData("steer=-1:7@all", "'-1:7'")]
    [InlineData("steer=1:99999999999@all", "'1:99999999999'")]
    [InlineData("steer=1:2+@all", "''")]
    [InlineData("steer=1:2@", "''")]
    [InlineData("steer=1:2@x", "'x'")]
    [InlineData("steer=1:2@1.2.3", "'1.2.3'")]
    [InlineData("steer=1:2@1.-1", "'1.-1'")]
    [InlineData("steer=1:2@all*0", "'0'")]
    [InlineData("steer=1:2@all*-1", "'-1'")]
    [InlineData("steer=1:2@all*nan", "'nan'")]
    [InlineData("steer=1:2@all*infinity", "'infinity'")]
    [InlineData("steer=1:2@all*", "''")]
    [InlineData("steer=1:2@all,steer-mode=0", "steer-mode=0")]
    [InlineData("steer=1:2@all,steer-mode=Exclude", "steer-mode=Exclude")]
    [InlineData("steer-mode=exclude", "steer-mode")]
    [InlineData("steer=1:2@all,steer=3:4@all", "twice")]
    [InlineData("steer=1:2@all,profile=a.json", "profile")]
    [InlineData("steer=1:2,profile=a.json+", "profile")]
    public void A_wrong_term_is_named(string text, string named) =>
        Assert.Contains(named, Assert.Throws<InvalidInputException>(() => KvPolicy.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Biases_differ_from_the_official_ones_by_a_constant_alone()
    {
        var random = new Random(1);
        for (int round = 0; round < 300; round++)
        {
            int prompt = random.Next(1, 120);
            SteeringPolicy policy = NaiveSteering.Random(random, prompt);
            var steering = new Steering(policy, prompt);
            double first = NaiveSteering.Bias(policy, prompt, 0);
            double[] expected = [.. Enumerable.Range(0, 200).Select(key => NaiveSteering.Bias(policy, prompt, key) - first)];
            for (int key = 0; key < expected.Length; key++) Assert.Equal(expected[key], steering.At(key), 1e-5);
            int unsteered = Array.FindIndex(expected, bias => Math.Abs(bias) > 1e-9);
            Assert.Equal(unsteered < 0 ? 200 : unsteered, Math.Min(200, steering.UnsteeredTokens));
            float[] filled = new float[random.Next(1, 70)];
            int at = random.Next(130);
            if (steering.Fill(at, filled)) for (int i = 0; i < filled.Length; i++) Assert.Equal(steering.At(at + i), filled[i]);
            else Assert.All(Enumerable.Range(at, filled.Length), key => Assert.Equal(0, steering.At(key)));
        }
    }

    [Fact]
    public void Two_steerings_have_in_common_what_stands_before_the_first_difference()
    {
        Steering Of(string text, int prompt = int.MaxValue) => new(KvPolicy.Parse(text).Steering!, prompt);
        Assert.Equal(int.MaxValue, Steering.CommonTokens(null, null));
        Assert.Equal(20, Steering.CommonTokens(null, Of("steer=20:30@1.1")));
        Assert.Equal(15, Steering.CommonTokens(Of("steer=0:15@1.1"), null));
        Assert.Equal(80, Steering.CommonTokens(Of("steer=20:30@1.1", 80), Of("steer=20:30@1.1", 90)));
        Assert.Equal(int.MaxValue, Steering.CommonTokens(Of("steer=20:30@1.1", 80), Of("steer=20:30@1.1", 80)));
        Assert.Equal(30, Steering.CommonTokens(Of("steer=20:30@1.1"), Of("steer=20:31@1.1")));
        Assert.Equal(20, Steering.CommonTokens(Of("steer=20:30@1.1"), Of("steer=20:30@1.2")));
        Assert.Equal(20, Steering.CommonTokens(Of("steer=20:30@1.1*0.1"), Of("steer=20:30@1.1*0.2")));
        Assert.Equal(60, Steering.CommonTokens(null, Of("steer=20:30@1.1,steer-mode=generation", 60)));
    }

    [Fact]
    public void A_span_behind_the_prompt_and_heads_that_are_not_chosen_are_refused()
    {
        SteeringPolicy policy = KvPolicy.Parse("steer=20:30@1.1").Steering!;
        Assert.Contains("29 tokens", Assert.Throws<InvalidInputException>(() => new Steering(policy, 29)).Message,
            StringComparison.Ordinal);
        Assert.Equal(20, new Steering(policy, 30).UnsteeredTokens);
        Assert.Contains("Prepare", Assert.Throws<InvalidInputException>(() => new Steering(policy with { Heads = null }, 40)).Message,
            StringComparison.Ordinal);
    }

    /// <summary>
    /// Query heads 2 and 3 are of kv head 1; every codec, the tail, a placed segment, a window, a soft cap, one part and two.
    /// </summary>
    [Theory]
    [InlineData("k=f32,v=f32", int.MaxValue, 0)]
    [InlineData("k=f32,v=f32", 60, 0)]
    [InlineData("k=f32,v=f32", int.MaxValue, 1.5f)]
    [InlineData("k=f16,v=f16", int.MaxValue, 0)]
    [InlineData("k=kivi4,v=kivi4", int.MaxValue, 0)]
    public void Steered_heads_attend_by_the_definition(string kept, int window, float softCap)
    {
        var fixture = new SequenceFixture(21, window: window);
        using KvCache elsewhere = fixture.NewCache(kept);
        fixture.Append(elsewhere, 70);
        using KvCache cache = fixture.NewCache(kept);
        var random = new Random(5);
        // Behind 37 tokens stand the 70 that were computed from position 0 on.
        List<float[][]> keys = [.. fixture.Keys], values = [.. fixture.Values];
        fixture.Keys.Clear();
        fixture.Values.Clear();
        fixture.Append(cache, 37);
        cache.Place(elsewhere, 0);
        fixture.Keys.AddRange(keys);
        fixture.Values.AddRange(values);
        fixture.Append(cache, 45);
        float tolerance = kept.Contains("f32", StringComparison.Ordinal) ? 2e-4f : kept.Contains("f16", StringComparison.Ordinal) ? 0.02f
            : 0.8f;
        for (int round = 0; round < 6; round++)
        {
            int prompt = random.Next(100, 150), position = cache.Length - 9;
            SteeringPolicy policy = NaiveSteering.Random(random, prompt) with { Heads = [new SteeredHead(0, 3)] };
            foreach (int rows in new[] { 2, 18 })
            {
                float[][] queries = fixture.Queries(rows);
                double Bias(int row, int key) => row % 2 == 1 ? NaiveSteering.Bias(policy, prompt, key) : 0;
                float[] expected = fixture.Expected(1, queries, position, 2, cache.Length, softCap: softCap, bias: Bias);
                var tile = new QueryTile(position, rows, 2, Causal: true, softCap)
                {
                    Steering = new Steering(policy, prompt),
                    SteeredHeads = 2,
                };
                SequenceFixture.Close(expected, fixture.Attend(cache, 1, queries, tile), tolerance);
                SequenceFixture.Close(expected, fixture.AttendInParts(cache, 1, queries, tile), tolerance);
            }
        }
    }

    [Fact]
    public void Pruned_runs_and_repaired_rows_are_steered_where_they_stand()
    {
        var fixture = new SequenceFixture(22);
        using KvCache whole = fixture.NewCache(), cache = fixture.NewCache();
        fixture.Append(whole, 130);
        ushort[][] kept = [[.. Enumerable.Range(0, 130).Where(i => i % 3 != 0).Select(i => (ushort)i)],
            [.. Enumerable.Range(60, 41).Select(i => (ushort)i)]];
        cache.PlacePruned(whole, 0, (_, head) => kept[head]);
        int[] positions = [61, 64, 70, 99];
        cache.Repair(new RepairedPositions(positions));
        for (int h = 0; h < 2; h++)
            foreach (int position in positions)
            {
                (fixture.Keys[position][h], fixture.Values[position][h]) = (fixture.Random(16), fixture.Random(16));
                Write(cache.Layers[0].Heads[h].Repaired!, position, fixture.Rotated(fixture.Keys[position][h], position),
                    fixture.Values[position][h]);
            }
        SteeringPolicy policy = KvPolicy.Parse("steer=63:80+5:9@0*0.2").Steering!;
        for (int head = 0; head < 2; head++)
            foreach (int rows in new[] { 2, 18 })
            {
                float[][] queries = fixture.Queries(rows);
                float[] expected = fixture.Expected(head, queries, 120, 2, 130, bias: (_, key) => NaiveSteering.Bias(policy, 101, key),
                    counts: key => kept[head].Contains((ushort)key) || positions.Contains(key));
                var tile = new QueryTile(120, rows, 2, Causal: true, 0)
                {
                    Steering = new Steering(policy, 101),
                    SteeredHeads = ulong.MaxValue,
                };
                fixture.Close(expected, fixture.Attend(cache, head, queries, tile));
                fixture.Close(expected, fixture.AttendInParts(cache, head, queries, tile));
            }
    }

    [Fact]
    public void What_was_computed_under_steering_is_not_saved_as_if_it_were_not()
    {
        var fixture = new SequenceFixture(23);
        string folder = Directory.CreateTempSubdirectory().FullName, path = Path.Combine(folder, "steered.kv");
        using KvCache cache = fixture.NewCache("k=f32,v=f32,steer=40:50@0.0");
        Assert.Equal("k=f32,v=f32", cache.Policy.ToString());
        fixture.Append(cache, 40);
        cache.Save(path, new int[40]);
        fixture.Append(cache, 1);
        Assert.Throws<InvalidOperationException>(() => cache.Save(path, new int[41]));
        Directory.Delete(folder, recursive: true);
    }

    private static unsafe void Write(RepairedRows repaired, int position, float[] key, float[] value)
    {
        fixed (float* k = key, v = value) repaired.Rows.Write(repaired.Positions.CountUpTo(position) - 1, k, v);
    }
}
