using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;

namespace Kvasir.Calibration;

/// <summary>The heads that steering goes to: as given, of a profile, or known to be good for a model.</summary>
public static class SteeredHeads
{
    /// <summary>
    /// Layers that help, by the shape of the model: measured, because steering everywhere harms (SmolLM2-135M on ten fact-override prompts
    /// that the layers were not chosen on: p(new) .39 unsteered, .55 with these six, .29 with all thirty).
    /// </summary>
    private static readonly ((string Architecture, int Layers, int Width, int Heads, int Vocabulary) Shape, int[] Layers)[] s_known =
        [(("llama", 30, 576, 9, 49152), [12, 17, 18, 21, 23, 27])];

    /// <summary>Texts to emphasise in prompts of this model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="texts">The texts, or token spans FIRST:END.</param>
    /// <param name="alpha">How much the rest of a prompt counts, above 0 and at most 1.</param>
    /// <param name="profile">A head profile; null for heads that are known to be good for the model.</param>
    /// <exception cref="InvalidInputException">The profile is not one of this model's, or none was given and no good heads are
    /// known.</exception>
    public static Emphasis Emphasise(
        this Model model, IReadOnlyList<string> texts, double alpha = SteeringPolicy.DefaultAlpha, string? profile = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new Emphasis { Texts = texts, Heads = Of(model, profile), Alpha = alpha };
    }

    /// <summary>A policy whose steering says its heads; the profile that they came from is no longer named.</summary>
    /// <exception cref="InvalidInputException">The model has no such heads, or none are known.</exception>
    internal static KvPolicy Choose(Model model, KvPolicy policy, ProfileFiles files)
    {
        if (policy.Steering is not { } steering) return policy;
        if (steering.Heads is null)
        {
            string? path = files[ProfileKind.Heads];
            string[] others = [.. policy.Profiles.Where(other => other != path)];
            steering = steering with { Heads = Of(model, path) };
            policy = policy with { Steering = steering, Profile = others.Length == 0 ? null : string.Join('+', others) };
        }
        steering.CheckHeads(model.Config.Layers, model.Config.Heads);
        return policy;
    }

    private static IReadOnlyList<SteeredHead> Of(Model model, string? profile)
    {
        if (profile is not null) return HeadProfile.Load(profile, model).SteeredHeads(profile);
        var shape = (model.Config.Architecture, model.Config.Layers, model.Config.Width, model.Config.Heads, model.Config.Vocabulary);
        int[] layers = s_known.FirstOrDefault(known => known.Shape == shape).Layers
            ?? throw new InvalidInputException($"{model.Path}: which heads of this model to steer is not known; measure it (kvasir profile "
                + "pasta) and give that profile");
        return [.. layers.Select(layer => new SteeredHead(layer, SteeredHead.All))];
    }
}
