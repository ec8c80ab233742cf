using Kvasir.Cache;
using Kvasir.Cache.Eviction;
using Kvasir.Models;

namespace Kvasir.Calibration;

/// <summary>What eviction needs to know of a model: the kinds of its tokens, the shares of its layers.</summary>
internal static class EvictionPreparation
{
    /// <exception cref="InvalidInputException">The named profile is damaged, another model's, or lacks the policy's share.</exception>
    public static KvPolicy Prepare(Model model, KvPolicy policy, ProfileFiles files)
    {
        if (policy.Eviction is not { } eviction) return policy;
        if (eviction.IsFastGen) return policy with { Eviction = eviction with { Classes = new TokenClasses(model.Tokenizer) } };
        if (files[ProfileKind.LayerShares] is not string path) return policy;
        PrefixKvProfile profile = PrefixKvProfile.Load(path, model.Identity, model.Config.Layers);
        if (eviction.Share is double share) profile.ForgetRatios(share);
        return policy with { Eviction = eviction with { LayerShares = profile } };
    }
}
