using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Calibration;

/// <summary>Policies that depend on the model, or on files.</summary>
public static class AutoPolicies
{
    /// <summary>
    /// The policy as caches of this model can be made with it. For <c>thin</c> that is: the factors of the policy's profile. For
    /// <c>steer</c> without heads: those of its profile, or the ones known to be good for the model. For <c>auto</c>: the bits of each
    /// layer and kv head chosen by the policy's profile; where it names none, by the one in the user's cache folder. A profile that is not
    /// there yet is measured first (about a minute and 0.6 GB for a model of 135M parameters: the weights are loaded once more in float32)
    /// and kept. Any other policy is given back as it is.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="progress">Told the share of a measurement that is done.</param>
    /// <param name="cancellation">Ends a measurement between two forward passes.</param>
    /// <exception cref="InvalidInputException">The budget is too small for this model, or the named profile is damaged or another
    /// model's.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static KvPolicy Prepare(
        this Model model, KvPolicy policy, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(policy);
        var files = new ProfileFiles(policy);
        policy = ThinPolicy.WithFactors(policy, model, files);
        policy = SteeredHeads.Choose(model, policy, files);
        policy = EvictionPreparation.Prepare(model, policy, files);
        if (policy.Auto is null) return policy;
        SensitivityProfile profile = files[ProfileKind.Sensitivity] is string path
            ? KnownProfiles.Named(path, model, policy.ScaleBits, progress, cancellation)
            : KnownProfiles.Cached(model, policy.ScaleBits, progress, cancellation);
        return AutoPolicy.Choose(policy, profile, model.CacheLayout, model.Config.ContextLength);
    }
}
