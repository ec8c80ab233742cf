using Kvasir.Cache;
using Kvasir.Generation.Constraints;

namespace Kvasir.Generation;

/// <summary>How a text is continued and when that ends.</summary>
public sealed record GenerationOptions
{
    /// <summary>Greedy, until the model ends its turn or the context is full.</summary>
    public static GenerationOptions Default { get; } = new();

    /// <summary>The most tokens whose probabilities are told at each step.</summary>
    public const int MostLogprobs = 20;

    /// <summary>The most tokens of a draft.</summary>
    public const int MostDraftTokens = 16;

    /// <summary>The most tokens to generate.</summary>
    public int MaxTokens { get; init; } = int.MaxValue;

    /// <summary>How each token is chosen.</summary>
    public SamplerOptions Sampler { get; init; } = new();

    /// <summary>Strings that end the text; they are not part of it.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Go on at end-of-text tokens instead of stopping.</summary>
    public bool IgnoreEndOfText { get; init; }

    /// <summary>
    /// End where the text repeats its last sentence or more, word for word: small models that choose greedily would go on so to the end.
    /// </summary>
    public bool StopAtRepetition { get; init; }

    /// <summary>What the text may be; null for anything. It ends where nothing more can follow.</summary>
    public TokenConstraint? Constraint { get; init; }

    /// <summary>
    /// Whether to tell each token's probability (<see cref="GenerationResult.Logprobs"/>), and of how many of the most probable ones;
    /// null for neither.
    /// </summary>
    public int? TopLogprobs { get; init; }

    /// <summary>Whether the text of control tokens is part of the text; models mark calls of tools by them.</summary>
    public bool ShowControlTokens { get; init; }

    /// <summary>
    /// The most tokens that are proposed at each step from what stands in the sequence already (prompt-lookup decoding), 0 to 16; 0 by
    /// default. What is chosen is what would be chosen without, but for the rounding of floats, and comes sooner where a text repeats its
    /// prompt or itself; where it does not, hardly anything is proposed. Policies that evict are decoded without drafts.
    /// </summary>
    public int DraftTokens { get; init; }

    /// <summary>What of the prompt is emphasised; null for nothing, or what the policy's <c>steer</c> says.</summary>
    public Emphasis? Emphasis { get; init; }

    /// <summary>How attention to a prompt is steered: as these options say, or else as <paramref name="policy"/> does.</summary>
    /// <exception cref="InvalidInputException">What is to be emphasised does not stand in the prompt.</exception>
    internal Steering? Steering(ReadOnlySpan<int> prompt, Tokenization.Tokenizer tokenizer, SteeringPolicy? policy) =>
        (Emphasis?.On(prompt, tokenizer) ?? policy) is { } steering ? new Steering(steering, prompt.Length) : null;

    /// <summary>
    /// How keys and values are kept, of those that a <see cref="Scheduler"/> offers (<see cref="SchedulerOptions.Policies"/>); null for
    /// its own. A filled cache, and that of a <see cref="Session"/>, stay as they are.
    /// </summary>
    public KvPolicy? Policy { get; init; }

    /// <exception cref="InvalidInputException">A value is out of its range.</exception>
    internal GenerationOptions Validated()
    {
        if (MaxTokens < 1) throw new InvalidInputException($"max tokens is {MaxTokens}; give at least 1");
        if (Stop.Any(string.IsNullOrEmpty)) throw new InvalidInputException("a stop string is empty; give at least one character");
        if (TopLogprobs is < 0 or > MostLogprobs)
            throw new InvalidInputException($"the probabilities of {TopLogprobs} tokens were asked for; give 0 to {MostLogprobs}");
        if (DraftTokens is < 0 or > MostDraftTokens)
            throw new InvalidInputException($"drafts of {DraftTokens} tokens were asked for; give 0 to {MostDraftTokens}");
        Sampler.Validate();
        return this;
    }
}
