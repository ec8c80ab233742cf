using Kvasir.Cache;
using Kvasir.Numerics;

namespace Kvasir.Tests.Cache;

/// <summary>Saved caches of many layers with made-up keys and values, as large as real ones.</summary>
internal sealed unsafe class LayeredFile(int layers, int kvHeads, int channels)
{
    public KvLayout Layout { get; } = new(
        [.. Enumerable.Repeat(new LayerLayout(kvHeads, channels, channels, int.MaxValue, new SequenceFixture(1, channels: channels).Rotary),
            layers)],
        AttentionKernels.For(KernelPath.Vector128), () => "model", () => "tokenizer");

    public KvCache NewCache(string policy) => new(Layout, KvPolicy.Parse(policy), new BlockPool());

    public void Save(string path, string policy, int tokens)
    {
        using KvCache cache = NewCache(policy);
        var random = new Random(tokens);
        float[] numbers = [.. Enumerable.Range(0, channels + 1000).Select(_ => random.NextSingle() - 0.5f)];
        cache.Append(tokens, seal: false, (_, _, _, key, value) =>
        {
            numbers.AsSpan(random.Next(1000), channels).CopyTo(key);
            numbers.AsSpan(random.Next(1000), channels).CopyTo(value);
        });
        cache.Save(path, [.. Enumerable.Range(0, tokens)]);
    }
}
