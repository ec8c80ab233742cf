namespace Kvasir.Generation;

/// <summary>How a token is chosen from logits. The steps run in this order: penalties, temperature, top-k, top-p, min-p.</summary>
public sealed record SamplerOptions
{
    /// <summary>Logits are divided by this; 0 takes the largest logit (greedy).</summary>
    public float Temperature { get; init; }

    /// <summary>Only the k most probable tokens; 0 means all.</summary>
    public int TopK { get; init; }

    /// <summary>
    /// Only the most probable tokens that together reach this probability (nucleus sampling, Holtzman et al. 2020); 1 means all.
    /// </summary>
    public float TopP { get; init; } = 1;

    /// <summary>Only tokens with at least this share of the most probable one's probability (Nguyen et al. 2024); 0 means all.</summary>
    public float MinP { get; init; }

    /// <summary>
    /// Positive logits of tokens seen lately are divided by this, negative ones multiplied (Keskar et al. 2019); 1 means none.
    /// </summary>
    public float RepeatPenalty { get; init; } = 1;

    /// <summary>How many of the newest tokens <see cref="RepeatPenalty"/> looks at.</summary>
    public int RepeatWindow { get; init; } = 64;

    /// <summary>
    /// Taken from a generated token's logit for each time that it was generated (OpenAI's <c>frequency_penalty</c>); 0 means none.
    /// </summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Taken once from the logit of each token that was generated (OpenAI's <c>presence_penalty</c>); 0 means none.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>The seed; the same seed, logits and options give the same tokens. A fresh one where null.</summary>
    public ulong? Seed { get; init; }

    /// <exception cref="InvalidInputException">A value is out of its range.</exception>
    internal void Validate()
    {
        if (!(Temperature >= 0) || float.IsInfinity(Temperature))
            throw new InvalidInputException($"temperature is {Temperature}; give 0 or more");
        if (TopK < 0) throw new InvalidInputException($"top-k is {TopK}; give 0 (all) or more");
        if (!(TopP > 0 && TopP <= 1)) throw new InvalidInputException($"top-p is {TopP}; give a value above 0, at most 1");
        if (!(MinP >= 0 && MinP <= 1)) throw new InvalidInputException($"min-p is {MinP}; give a value from 0 to 1");
        if (!(RepeatPenalty > 0) || float.IsInfinity(RepeatPenalty))
            throw new InvalidInputException($"the repeat penalty is {RepeatPenalty}; give a value above 0 (1 is none)");
        if (!float.IsFinite(FrequencyPenalty))
            throw new InvalidInputException($"the frequency penalty is {FrequencyPenalty}; give a number");
        if (!float.IsFinite(PresencePenalty)) throw new InvalidInputException($"the presence penalty is {PresencePenalty}; give a number");
        if (RepeatWindow < 0) throw new InvalidInputException($"the repeat window is {RepeatWindow}; give 0 or more tokens");
    }
}
