using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Generation;

/// <summary>One of the ways in which a scheduler keeps sequences.</summary>
/// <param name="Kind">Its number: sequences share beginnings with those of the same.</param>
/// <param name="Policy">How keys and values are kept.</param>
/// <param name="Forecast">What that takes.</param>
/// <param name="ContextLength">The longest sequence.</param>
internal sealed record SequencePlan(int Kind, KvPolicy Policy, KvForecast Forecast, int ContextLength)
{
    /// <summary>Plans for a scheduler's own policy, which is the first, and for those that it offers besides.</summary>
    public static SequencePlan[] Of(IForwardEngine engine, IEnumerable<KvPolicy> policies) => [.. policies.Select((policy, kind) =>
        new SequencePlan(kind, policy, engine.Forecast(policy), policy.LongestSequence(engine.CacheLayout, engine.ContextLength)))];

    /// <summary>The plan of a policy; the first where there is none.</summary>
    /// <exception cref="InvalidInputException">The policy is not offered.</exception>
    public static SequencePlan For(SequencePlan[] plans, KvPolicy? policy) => policy is null ? plans[0]
        : Array.Find(plans, plan => plan.Policy.ToString() == policy.ToString()) ?? throw new InvalidInputException(
            $"the KV policy {policy} is not offered; {string.Join("; ", plans.Select(plan => plan.Policy))}");
}
