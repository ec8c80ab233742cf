using Kvasir.Cache;
using Kvasir.Memory;
using Kvasir.Numerics;

namespace Kvasir.Tests.Cache;

/// <summary>A saved cache under another policy against one that the policy made from the same keys and values at once.</summary>
public sealed unsafe class KvConversionTests : IDisposable
{
    private static readonly string[] Targets =
        ["k=f32,v=f32", "k=f16,v=f16", "k=f16,v=f32", "k=q8,v=f16", "k=kivi4,v=kivi4", "k=kivi3,v=kivi2", "k=kivi2,v=kivi2,group=16",
            "k=kivi4,v=kivi2,scale=16,sink=0", "k=f16,v=kivi3,sink=96,residual=64"];

    private readonly string _folder = Directory.CreateTempSubdirectory("kvasir-convert").FullName;
    private readonly KvLayout _layout;

    public KvConversionTests()
    {
        Rotary rotary = new SequenceFixture(0).Rotary;
        _layout = new KvLayout([new LayerLayout(2, 16, 16, int.MaxValue, rotary), new LayerLayout(1, 80, 48, 64, rotary)],
            AttentionKernels.For(KernelPath.Vector128), () => "model", () => "tokenizer");
    }

    private string Source => Path.Combine(_folder, "source.kv");

    private string Converted => Path.Combine(_folder, "converted.kv");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Converted_float32_equals_what_the_policy_makes_at_once()
    {
        foreach (string target in Targets)
            foreach (int length in (int[])[1, 5, 31, 32, 33, 64, 100, 161, 320])
            {
                Save("k=f32,v=f32", Source, length, length);
                Assert.Equal(length, Convert(Source, Converted, target));
                Assert.Equal(FromStart(target, length, length), File.ReadAllBytes(Converted));
            }
    }

    [Fact]
    public void Parts_behind_a_border_keep_their_place_and_their_share_of_the_sink()
    {
        foreach (string target in Targets)
            foreach (int border in (int[])[1, 24, 32, 40, 90])
            {
                using (KvCache cache = Filled("k=f32,v=f32", 7, border, 75, 20)) cache.Save(Source, Ids(95), border);
                Convert(Source, Converted, target);
                using (KvCache cache = Filled(target, 7, border, 75, 20)) cache.Save(Source, Ids(95), border);
                Assert.Equal(File.ReadAllBytes(Source), File.ReadAllBytes(Converted));
            }
    }

    [Fact]
    public void Converted_float16_equals_the_encoded_float16_values()
    {
        foreach (string target in Targets.Where(text => KvPolicy.Parse("k=f16,v=f16").CanBecome(KvPolicy.Parse(text))))
        {
            Save("k=f16,v=f16", Source, 3, 150);
            Convert(Source, Converted, target);
            using (KvCache cache = Filled(target, 3, rounded: true, 150)) cache.Save(Source, Ids(150));
            Assert.Equal(File.ReadAllBytes(Source), File.ReadAllBytes(Converted));
        }
    }

    [Fact]
    public void What_is_kept_alike_is_copied_and_never_encoded_twice()
    {
        Save("k=kivi2,v=f16", Source, 4, 150);
        Convert(Source, Converted, "k=kivi2,v=kivi4");
        Convert(Converted, Source, "k=kivi2,v=kivi4,residual=96");
        using KvFile file = KvFile.Open(Source, _layout, verify: true);
        using KvCache direct = Filled("k=kivi2,v=kivi4", 4, rounded: false, 150);
        direct.Seal();
        for (int head = 0; head < 2; head++)
        {
            KvSegment kept = file.Map(0, head, 1, 0), expected = direct.Layers[0].Heads[head].Segments[1];
            for (int b = 0; b < kept.BlockCount; b++)
                Assert.Equal(new ReadOnlySpan<byte>(expected.Keys(b), expected.Codec.KeyBytes),
                    new ReadOnlySpan<byte>(kept.Keys(b), kept.Codec.KeyBytes));
        }
    }

    [Fact]
    public void Cut_blocks_carry_nothing_behind_their_end()
    {
        using (KvCache cache = Filled("k=f32,v=f32", 5, 100))
        {
            cache.Truncate(40);
            cache.Save(Source, Ids(40));
        }
        Convert(Source, Converted, "k=f16,v=kivi2");
        using (KvCache cache = Filled("k=f16,v=kivi2", 5, 40)) cache.Save(Source, Ids(40));
        Assert.Equal(File.ReadAllBytes(Source), File.ReadAllBytes(Converted));
    }

    [Fact]
    public void Heads_may_differ()
    {
        KvPolicy chosen = KvPolicy.Parse(
            "auto:12bit") with
        { Chosen = new HeadFormats([[("f16", "f32"), ("f32", "f32")], [("f16", "f16")]]) };
        Save("k=f32,v=f32", Source, 6, 100);
        using (var pool = new BlockPool())
        using (var pattern = new KvCache(_layout, chosen, pool))
        using (KvFile file = KvFile.Open(Source, _layout, verify: true)) KvFileConverter.Write(file, Converted, pattern);
        KvSegmentSummary[] segments = [.. KvFileSummary.Read(Converted).Segments];
        Assert.Equal(
            [new KvSegmentSummary(0, 0, 32, 3, "2 x f16, 1 x f32", "2 x f32, 1 x f16"),
            new KvSegmentSummary(32, 0, 68, 3, "2 x f16, 1 x f32", "2 x f32, 1 x f16")], segments);
        Convert(Converted, Source, "k=f16,v=f16");
        Assert.Equal(FromStart("k=f16,v=f16", 6, 100), File.ReadAllBytes(Source));
    }

    [Theory]
    [InlineData("k=kivi4,v=kivi2", 37)]
    [InlineData("k=kivi2,v=kivi2,group=16,sink=64", 37)]
    [InlineData("k=f16,v=f16", 0)]
    public void Placed_elsewhere_it_attends_like_one_made_at_once(string target, int before)
    {
        float[] attended = Attended(target, before, (cache, fixture) =>
        {
            SaveChunk(fixture, target);
            using KvFile file = KvFile.Open(Source, fixture.Layout, verify: true);
            cache.Place(file);
        });
        Assert.Equal(attended, Attended(target, before, (cache, fixture) =>
        {
            SaveChunk(fixture, "k=f32,v=f32");
            Convert(Source, Converted, target, fixture.Layout);
            using KvFile file = KvFile.Open(Converted, fixture.Layout, verify: true);
            cache.Place(file);
        }));
        Assert.Equal(attended, Attended(target, before, (cache, fixture) =>
        {
            SaveChunk(fixture, "k=f32,v=f32");
            using KvFile file = KvFile.Open(Source, fixture.Layout, verify: true);
            Assert.True(cache.PlaceConverted(file));
        }));
    }

    [Fact]
    public void Sequences_of_placed_parts_keep_their_offsets()
    {
        var fixture = new SequenceFixture(11);
        SaveChunk(fixture, "k=f32,v=f32");
        foreach (string policy in (string[])["k=f32,v=f32", "k=kivi4,v=kivi4"])
        {
            using KvCache cache = new SequenceFixture(11).NewCache(policy);
            using (KvFile chunk = KvFile.Open(Source, fixture.Layout, verify: false))
            {
                cache.PlaceConverted(chunk);
                cache.PlaceConverted(chunk);
            }
            cache.Save(Path.Combine(_folder, policy), Ids(cache.Length));
        }
        Convert(Path.Combine(_folder, "k=f32,v=f32"), Converted, "k=kivi4,v=kivi4", fixture.Layout);
        Assert.Equal(File.ReadAllBytes(Path.Combine(_folder, "k=kivi4,v=kivi4")), File.ReadAllBytes(Converted));
        Assert.Contains(KvFileSummary.Read(Converted).Segments, segment => segment.Offset == 90);
    }

    [Fact]
    public void Placing_what_is_kept_alike_maps_the_file()
    {
        Save("k=kivi4,v=kivi4,residual=96", Source, 8, 150);
        using var pool = new BlockPool();
        using var cache = new KvCache(_layout, KvPolicy.Parse("k=kivi4,v=kivi4"), pool);
        using KvFile file = KvFile.Open(Source, _layout, verify: true);
        Assert.False(cache.PlaceConverted(file));
        Assert.Equal((150, 0), (cache.Length, pool.Bytes));
    }

    [Fact]
    public void Budget_refuses_before_anything_is_placed()
    {
        Save("k=f32,v=f32", Source, 8, 150);
        KvPolicy policy = KvPolicy.Parse("k=kivi4,v=kivi2");
        long needed;
        using (var pool = new BlockPool())
        using (var cache = new KvCache(_layout, policy, pool))
        using (KvFile file = KvFile.Open(Source, _layout, verify: true))
        {
            needed = file.BytesAs(cache);
            cache.PlaceConverted(file);
            Assert.Equal((needed, needed), (cache.Bytes, pool.Bytes));
        }
        using var small = new BlockPool(needed - 1);
        using var refused = new KvCache(_layout, policy, small);
        using KvFile again = KvFile.Open(Source, _layout, verify: true);
        Assert.Throws<KvBudgetExceededException>(() => refused.PlaceConverted(again));
        Assert.Equal((0, 0), (refused.Length, small.Bytes));
    }

    [Fact]
    public void Damaged_source_is_refused_and_what_was_there_stays()
    {
        Save("k=f32,v=f32", Source, 9, 70);
        byte[] good = File.ReadAllBytes(Source);
        File.WriteAllText(Converted, "as it was");
        var random = new Random(1);
        for (int i = 0; i < 100; i++)
        {
            byte[] bad = i % 4 == 0 ? good[..random.Next(good.Length)] : [.. good];
            if (bad.Length == good.Length) bad[random.Next(good.Length - 64)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(Source, bad);
            if (bad.AsSpan().SequenceEqual(good)) continue;
            Assert.ThrowsAny<KvasirException>(() => Convert(Source, Converted, "k=kivi4,v=kivi4"));
            Assert.Equal("as it was", File.ReadAllText(Converted));
        }
        Assert.Equal(["converted.kv", "source.kv"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("\"tables\":[[", "\"tables\":[[null,")]
    [InlineData("\"tables\":[[", "\"tables\":[null,[")]
    [InlineData("\"tableOfHead\":[]", "\"tableOfHead\":null")]
    [InlineData("\"tableOfHead\":[]", "\"tableOfHead\":[0]")]
    [InlineData("\"tableOfHead\":[]", "\"tableOfHead\":[0,1,0]")]
    [InlineData("\"tableOfHead\":[]", "\"tableOfHead\":[0,-1,0]")]
    [InlineData("\"keys\":\"f32\"", "\"keys\":null")]
    [InlineData("\"values\":\"f32\"", "\"values\":null")]
    [InlineData("\"policy\":\"k=f32,v=f32\"", "\"policy\":null")]
    [InlineData("\"tokens\":70", "\"tokens\":2147483647")]
    [InlineData("\"offset\":0", "\"offset\":-2147483648")]
    [InlineData("\"firstPosition\":0", "\"firstPosition\":-5")]
    [InlineData("\"keys\":\"f32\"", "\"keys\":\"kivi9/32/8\"")]
    public void Hostile_header_with_a_true_checksum_is_refused(string part, string instead)
    {
        Save("k=f32,v=f32", Source, 10, 70);
        byte[] file = File.ReadAllBytes(Source);
        int length = BitConverter.ToInt32(file, 12), jsonLength = BitConverter.ToInt32(file, 20), jsonAt = KvFileHeader.FixedLength
            + 16 * BitConverter.ToInt32(file, 28) + 4 * BitConverter.ToInt32(file, 24);
        string json = System.Text.Encoding.UTF8.GetString(file, jsonAt, jsonLength);
        Assert.Contains(part, json, StringComparison.Ordinal);
        byte[] changed = System.Text.Encoding.UTF8.GetBytes(json.Replace(part, instead, StringComparison.Ordinal));
        byte[] start = new byte[(jsonAt + changed.Length + 63) / 64 * 64];
        file.AsSpan(0, jsonAt).CopyTo(start);
        BitConverter.TryWriteBytes(start.AsSpan(20), changed.Length);
        changed.CopyTo(start, jsonAt);
        WriteWithTrueChecksum(start, file[length..]);
        AssertRefused();
    }

    [Theory]
    [InlineData(20, 1 << 30)]
    [InlineData(20, -1)]
    [InlineData(20, 0)]
    [InlineData(24, 1 << 29)]
    [InlineData(24, 69)]
    [InlineData(28, 1 << 28)]
    [InlineData(28, 0)]
    [InlineData(32, 3)]
    [InlineData(36, -16)]
    public void Hostile_number_with_a_true_checksum_is_refused(int at, int number)
    {
        Save("k=f32,v=f32", Source, 10, 70);
        byte[] file = File.ReadAllBytes(Source);
        BitConverter.TryWriteBytes(file.AsSpan(at), number);
        int length = BitConverter.ToInt32(file, 12);
        WriteWithTrueChecksum(file[..length], file[length..]);
        AssertRefused();
    }

    private void WriteWithTrueChecksum(byte[] header, byte[] blocks)
    {
        BitConverter.TryWriteBytes(header.AsSpan(12), header.Length);
        BitConverter.TryWriteBytes(header.AsSpan(16), Checksum.Of(header.AsSpan(20), Checksum.Of(header.AsSpan(0, 16))));
        File.WriteAllBytes(Source, [.. header, .. blocks]);
    }

    private void AssertRefused()
    {
        Assert.Throws<InvalidInputException>(() => Convert(Source, Converted, "k=f16,v=f16"));
        Exception? inspecting = Record.Exception(() => KvFileSummary.Read(Source));
        Assert.True(inspecting is null or InvalidInputException, inspecting?.ToString());
    }

    [Theory]
    [InlineData("k=f32,v=f32", "k=f16,v=f16", true)]
    [InlineData("k=f32,v=f32", "auto:3bit", true)]
    [InlineData("k=f16,v=f16", "k=kivi2,v=kivi2,group=16,sink=0", true)]
    [InlineData("k=f16,v=f16", "k=f32,v=kivi2", false)]
    [InlineData("k=f32,v=f16", "k=f32,v=kivi2", true)]
    [InlineData("k=f32,v=f16", "k=f16,v=f32", false)]
    [InlineData("k=kivi4,v=kivi4", "k=kivi4,v=kivi4,residual=64", true)]
    [InlineData("k=kivi4,v=kivi4", "k=kivi4,v=kivi4,scale=16", false)]
    [InlineData("k=kivi4,v=kivi4", "k=kivi4,v=kivi4,sink=64", false)]
    [InlineData("k=kivi4,v=kivi4", "k=kivi2,v=kivi2", false)]
    [InlineData("k=q8,v=q8", "k=f16,v=f16", false)]
    [InlineData("k=kivi2,v=f16,group=16", "k=kivi2,v=kivi4,group=16", true)]
    [InlineData("k=kivi2,v=f16,group=16", "k=kivi2,v=kivi4", false)]
    [InlineData("auto:3bit", "auto:3bit", true)]
    [InlineData("auto:4bit", "auto:3bit", false)]
    [InlineData("k=kivi4,v=kivi4", "auto:3bit", false)]
    public void Only_what_keeps_more_may_become_another(string from, string to, bool may) =>
        Assert.Equal(may, KvPolicy.Parse(from).CanBecome(KvPolicy.Parse(to)));

    private int Convert(string source, string destination, string policy, KvLayout? layout = null)
    {
        layout ??= _layout;
        using var pool = new BlockPool();
        using var pattern = new KvCache(layout, KvPolicy.Parse(policy), pool);
        using KvFile file = KvFile.Open(source, layout, verify: true);
        KvFileConverter.Write(file, destination, pattern);
        return file.Tokens;
    }

    private byte[] FromStart(string policy, int seed, params int[] parts)
    {
        string path = Path.Combine(_folder, "from-start.kv");
        Save(policy, path, seed, parts);
        return File.ReadAllBytes(path);
    }

    private void Save(string policy, string path, int seed, params int[] parts)
    {
        using KvCache cache = Filled(policy, seed, parts);
        cache.Save(path, Ids(cache.Length));
    }

    private KvCache Filled(string policy, int seed, params int[] parts) => Filled(policy, seed, rounded: false, parts);

    /// <summary>A cache with made-up keys and values, alike for the same seed and parts; each part but the last ends at a border.</summary>
    private KvCache Filled(string policy, int seed, bool rounded, params int[] parts)
    {
        var cache = new KvCache(_layout, KvPolicy.Parse(policy), new BlockPool());
        Random[][] numbers =
            [.. cache.Layers.Select((layer, l) =>
                layer.Heads.Select((_, h) => new Random(seed * 10 + l * layer.Heads.Length + h)).ToArray())];
        foreach (int tokens in parts)
        {
            cache.Seal();
            cache.Append(tokens, seal: true, (layer, head, _, key, value) =>
            {
                Numbers(numbers[layer][head], key.Length).CopyTo(key);
                Numbers(numbers[layer][head], value.Length).CopyTo(value);
            });
        }
        return cache;

        float[] Numbers(Random random, int count) =>
            [.. Enumerable.Range(0, count).Select(_ => Kept((float)(random.NextDouble() * 4 - 2)))];

        float Kept(float x) => !rounded ? x : MathF.Abs(x) < 6.103515625e-5f ? MathF.CopySign(0, x) : (float)(Half)x;
    }

    /// <summary>A chunk of 90 tokens, computed behind nothing.</summary>
    private void SaveChunk(SequenceFixture fixture, string policy)
    {
        var own = new SequenceFixture(31);
        using KvCache cache = own.NewCache(policy);
        own.Append(cache, 90);
        cache.Save(Source, Ids(90));
        Assert.Equal(fixture.Layer.KvHeads, own.Layer.KvHeads);
    }

    private static float[] Attended(string policy, int before, Action<KvCache, SequenceFixture> place)
    {
        var fixture = new SequenceFixture(32);
        using KvCache cache = fixture.NewCache(policy);
        if (before > 0) fixture.Append(cache, before);
        place(cache, fixture);
        fixture.Append(cache, 9);
        return fixture.Attend(cache, 1, fixture.Queries(6), cache.Length - 2, 3);
    }

    private static int[] Ids(int count) => [.. Enumerable.Range(5, count)];
}
