using Kvasir.Cache.Eviction;

namespace Kvasir.Cli.Measuring;

/// <summary>What each head keeps of a text when it has been read.</summary>
/// <param name="Shares">[layers][kv heads], from 0 to 1.</param>
/// <param name="Policies">FastGen's choices, [layers][kv heads]; null for other methods.</param>
internal sealed record KeptShares(double[][] Shares, string[][]? Policies)
{
    /// <summary>Null for policies that keep everything.</summary>
    public static KeptShares? Of(ForwardSteps steps, KvPolicy policy, int[] ids)
    {
        if (policy.Eviction is not { EvictsPrompts: true }) return null;
        using KvCache cache = steps.Model.NewCache(policy);
        steps.Prefill(cache, ids);
        return new KeptShares(
            [.. cache.Layers.Select(layer => layer.Heads.Select(head => (double)head.Positions().Length / ids.Length).ToArray())],
            cache.HeadPolicies is not { } chosen ? null
                : [.. chosen.Select(heads => heads.Select(policy => FastGen.PolicyNames[policy]).ToArray())]);
    }
}
