using Kvasir.Cache;
using Kvasir.Calibration;

namespace Kvasir.Models;

/// <content>Policies whose bits depend on the model.</content>
public sealed partial class Model
{
    private readonly Dictionary<int, SensitivityProfile> _profiles = [];

    /// <summary>
    /// The policy as caches of this model can be made with it. For <c>auto</c> that is: the bits of each layer and kv head chosen by the policy's profile; where
    /// it names none, by the one in the user's cache folder. A profile that is not there yet is measured first (about a minute and 0.6 GB for a
    /// model of 135M parameters: the weights are loaded once more in float32) and kept. Any other policy is given back as it is.
    /// </summary>
    /// <param name="policy">The policy.</param>
    /// <param name="progress">Told the share of a measurement that is done.</param>
    /// <param name="cancellation">Ends a measurement between two forward passes.</param>
    /// <exception cref="InvalidInputException">The budget is too small for this model, or the named profile is damaged or another model's.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public KvPolicy Prepare(KvPolicy policy, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return policy.Auto is null ? policy : AutoPolicy.Choose(policy, Profile(policy, progress, cancellation), CacheLayout, Config.ContextLength);
    }

    private SensitivityProfile Profile(KvPolicy policy, IProgress<double>? progress, CancellationToken cancellation)
    {
        if (policy.Profile is string path) return KnownProfiles.Named(path, this, policy.ScaleBits, progress, cancellation);
        lock (_profiles)
        {
            if (_profiles.TryGetValue(policy.ScaleBits, out SensitivityProfile? known)) return known;
            return _profiles[policy.ScaleBits] = KnownProfiles.Cached(this, policy.ScaleBits, progress, cancellation);
        }
    }
}
