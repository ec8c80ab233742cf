using Kvasir.Numerics;

namespace Kvasir.Cli.Reports;

/// <summary>What one user's KV takes at a model's shape, under one policy.</summary>
/// <param name="Shape">The model, or what is known of its shape.</param>
/// <param name="Kv">The policy.</param>
/// <param name="BytesPerToken">Of keys and values.</param>
/// <param name="Bytes">Of one user.</param>
/// <param name="SavedBytes">Of one user, against float16.</param>
/// <param name="Users">How many users' KV the memory holds.</param>
internal sealed record FactorTableRow(string Shape, string Kv, double BytesPerToken, long Bytes, long SavedBytes, double Users);

/// <summary>
/// The bytes of caches of models that are not here: layouts of their shapes, and the forecast that is made for any cache.
/// </summary>
internal static class FactorTable
{
    private static readonly (string Name, int Layers, int KvHeads, int HeadSize)[] Shapes =
    [
        ("7B, 32 kv heads (Llama-2-7B)", 32, 32, 128),
        ("7B, 8 kv heads (Mistral-7B)", 32, 8, 128),
        ("Llama-3-8B", 32, 8, 128),
        ("GPT-2 small", 12, 12, 64),
    ];

    private static readonly string[] Policies =
        ["k=f16,v=f16", "thin=50%", "thin=75%", "k=kivi4,v=kivi4", "k=kivi4,v=kivi4,thin=50%", "k=kivi4,v=kivi4,thin=75%"];

    public static IEnumerable<FactorTableRow> Rows(int tokens, long memory)
    {
        foreach ((string name, int layers, int kvHeads, int headSize) in Shapes)
        {
            KvLayout layout = new(
                [.. Enumerable.Repeat(new LayerLayout(kvHeads, headSize, headSize, int.MaxValue, null), layers)],
                AttentionKernels.For(KernelPath.Scalar), () => name, () => "");
            long full = 0;
            foreach (string text in Policies)
            {
                long bytes = new KvForecast(layout, WithFactors(KvPolicy.Parse(text), layout), workers: 1, sliceTokens: 1).SavedBytes(
                    0, tokens);
                if (full == 0) full = bytes;
                yield return new FactorTableRow(
                    name, text, (double)bytes / tokens, bytes, full - bytes, Math.Round((double)memory / bytes, 2));
            }
        }
    }

    /// <summary>A thin policy with factors of the right ranks: what they hold does not count, so all heads have the same.</summary>
    private static KvPolicy WithFactors(KvPolicy policy, KvLayout layout)
    {
        if (policy.Thin is not { } thin) return policy;
        LayerLayout layer = layout.Layers[0];
        float[] any = new float[thin.RankOf(layer.KeyChannels) * layer.KeyChannels];
        IReadOnlyList<HeadFactors> heads = [.. Enumerable.Repeat(new HeadFactors(false, layer.KeyChannels, any, any, []), layer.KvHeads)];
        var factors = new KeyFactors(layout.ModelIdentity, "", [.. Enumerable.Repeat(heads, layout.Layers.Count)]);
        layout.Codecs.Add(factors);
        return policy with { Thin = thin with { Factors = factors } };
    }
}
