namespace Kvasir.Cache.Eviction;

/// <summary>
/// How much a token is worth keeping: higher stays. A new score is one class, its name and paper, its line in <see cref="All"/>, and its
/// test.
/// </summary>
internal abstract class TokenScore
{
    /// <summary>All scores.</summary>
    public static IReadOnlyList<TokenScore> All { get; } =
    [
        new ReceivedScore(), new MeanReceivedScore(), new SnapKvScore(), new TovaScore(), new KeyDiffScore(), new KeyNormScore(),
            new ExpectedAttentionScore(), new QuestionScore(),
        new ReconstructionScore(), new NormalisedReconstructionScore(), new StreamingScore(),
    ];

    /// <summary>Its name in the policy grammar.</summary>
    public abstract string Name { get; }

    /// <summary>What of the prompt's attention it needs.</summary>
    public virtual ObservedAttention Needs => default;

    /// <summary>The same where it depends on the tokens.</summary>
    public virtual ObservedAttention NeedsOf(EvictionRegion region) => Needs;

    /// <summary>Whether it is the attention that a token gets, of the whole layer: what PrefixKV divides a budget by.</summary>
    public virtual bool IsLayerAttention => false;

    /// <summary>What it needs of the attention of a second reading; none where one reading is enough.</summary>
    public virtual Observations NeedsOfSecondReading => Observations.None;

    /// <summary>Scores of a layer's tokens, [kv heads][tokens].</summary>
    public abstract float[][] Score(ScoredLayer layer);

    /// <exception cref="InvalidInputException">No such score.</exception>
    public static TokenScore Named(string name) => All.FirstOrDefault(score => score.Name == name)
        ?? throw EvictionPolicy.Unknown("score", name, All.Select(score => score.Name));
}
