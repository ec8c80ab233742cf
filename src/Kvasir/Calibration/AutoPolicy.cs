using Kvasir.Cache;

namespace Kvasir.Calibration;

/// <summary>Chooses codecs by layer and kv head: the sum of measured damages as small as a budget allows.</summary>
internal static class AutoPolicy
{
    /// <summary>The policy with what its budget allows.</summary>
    /// <param name="policy">An <c>auto</c> policy.</param>
    /// <param name="profile">What was measured, with the policy's bits of scale.</param>
    /// <param name="layout">The model's.</param>
    /// <param name="contextLength">The model's; budgets in bytes are for so many tokens.</param>
    /// <exception cref="InvalidInputException">The budget is less than the smallest codecs take.</exception>
    public static KvPolicy Choose(KvPolicy policy, SensitivityProfile profile, KvLayout layout, int contextLength)
    {
        (string Codec, int Damage)[] keys = Options(profile.Keys), values = Options(profile.Values);
        var options = new List<CodecOption[]>();
        for (int l = 0; l < layout.Layers.Count; l++)
            foreach ((int h, HeadSensitivity head) in profile.Layers[l].Index())
                options.Add([.. keys.SelectMany(key => values.Select(value => new CodecOption(
                    policy.BlockCodec(layout, l, h, key.Codec, value.Codec).Bytes, DamageOf(head.Keys, key.Damage)
                        + DamageOf(head.Values, value.Damage))))]);

        double budget = policy.Auto!.BlockBytes(layout, contextLength, policy);
        long least = options.Sum(head => (long)head.Min(option => option.Bytes));
        if (least > budget)
            throw new InvalidInputException(
                string.Create(CultureInfo.InvariantCulture,
                $"KV policy auto:{policy.Auto}: too little for this model, whose smallest codecs take {Bits(least, layout):0.00} bits per "
                + $"value{(policy.Auto.Unit == KvBudgetUnit.Bytes ? $" beside the exact sink and tail, for {contextLength} tokens" : "")}; "
                + $"give more"));
        int[] chosen = BitAllocation.Solve(options, (long)Math.Min(budget, long.MaxValue / 2));

        int next = 0;
        return policy with
        {
            Chosen =
            new HeadFormats(
                [.. layout.Layers.Select(layer =>
                (IReadOnlyList<(string, string)>)[.. Enumerable.Range(0, layer.KvHeads).Select(_ => Pair(chosen[next++]))])])
        };

        (string, string) Pair(int option) => (keys[option / values.Length].Codec, values[option % values.Length].Codec);
    }

    private static (string Codec, int Damage)[] Options(IReadOnlyList<string> codecs) =>
        [.. codecs.Select((codec, i) => (codec, i)), (CandidateCodecs.Exact, -1)];

    private static double DamageOf(IReadOnlyList<double> damages, int index) => index < 0 ? 0 : damages[index];

    private static double Bits(long blockBytes, KvLayout layout) => blockBytes * 16.0 / (layout.BytesPerTokenF16 * KvBlock.Tokens);
}
