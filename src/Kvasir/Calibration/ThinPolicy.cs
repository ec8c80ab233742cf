using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Calibration;

/// <summary>Finds the factors that a policy of thin keys goes by.</summary>
internal static class ThinPolicy
{
    /// <summary>
    /// The policy with the factors of its profile, which the model's caches and files know from then on; as it is where keys are whole.
    /// </summary>
    /// <exception cref="InvalidInputException">There are none, or they are damaged, another model's, or of other ranks.</exception>
    public static KvPolicy WithFactors(KvPolicy policy, Model model, ProfileFiles files)
    {
        if (policy.Thin is not { } thin) return policy;
        int wanted = thin.TotalRank(model.CacheLayout), all = model.CacheLayout.Layers.Sum(layer => layer.KvHeads * layer.KeyChannels);
        string path = files[ProfileKind.Factors] ??
            throw new InvalidInputException(
            $"KV policy: thin={thin} needs the factors of this model; make them with kvasir factor and name their file (as in "
            + $"thin=50%,profile=FILE)");
        KeyFactors factors = KeyFactorsFile.Read(path, model.Identity, model.CacheLayout);
        if (factors.TotalRank != wanted)
            throw new InvalidInputException(
                string.Create(CultureInfo.InvariantCulture,
                $"{path}: factors that save {Saved(factors.TotalRank)} of the keys, thin={thin} asks for {Saved(wanted)}: make others "
                + $"with kvasir factor"));
        if (thin.Identity is string identity && identity != factors.ShortIdentity)
            throw new InvalidInputException(
                $"{path}: other factors ({factors.ShortIdentity}) than those that the policy names ({identity})");
        model.Know(factors, path);
        return policy with { Thin = thin with { Identity = factors.ShortIdentity, Factors = factors } };

        string Saved(int rank) => string.Create(CultureInfo.InvariantCulture, $"{100.0 * (all - rank) / all:0.#}%");
    }
}
