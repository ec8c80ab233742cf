using Kvasir.Cache.Eviction;

namespace Kvasir.Cache;

/// <summary>What happens to tokens that come after the prompt.</summary>
public enum DecodingEviction
{
    /// <summary>All of them stay.</summary>
    All,

    /// <summary>Every 256 tokens, those that the score names stay, as many as of the prompt.</summary>
    Score,

    /// <summary>PrefixKV's rule: the oldest behind a fixed place in each layer goes.</summary>
    Slide,
}

/// <summary>
/// Which tokens of a sequence stay when its prompt has been read, in each kv head by itself: the terms <c>evict=METHOD:SHARE%</c>,
/// <c>score</c>, <c>sizing</c>, <c>only</c>, <c>recent</c>, <c>decode</c> and <c>budget</c> of the policy grammar.
/// </summary>
public sealed record EvictionPolicy
{
    internal const int DefaultSink = 4, DefaultRecent = 32;
    internal const string FastGenName = "fastgen", StreamingName = "streaming";

    internal static readonly string[] Terms = ["evict", "score", "sizing", "only", "recent", "decode", "budget"];

    private const string Images = "images";

    private string _amount = "";

    /// <summary>The method as it was named: a pair of score and sizing, a score alone, or <c>fastgen</c>.</summary>
    public string Method { get; init; } = "";

    /// <summary>How many of a prompt's tokens stay, above 0 and at most 1; null where that is not what is given.</summary>
    public double? Share { get; init; }

    /// <summary>The share of each head's attention that what stays must have got (FastGen's T); null for other methods.</summary>
    public double? Recovery { get; init; }

    /// <summary>
    /// The score that tokens are ordered by, where it is not the method's. With FastGen <c>reconstruction</c> alone: recovery is then of
    /// the attention that tokens get when the model repeats the text.
    /// </summary>
    public string? Score { get; init; }

    /// <summary>How many tokens each layer and head keeps, where it is not the method's.</summary>
    public string? Sizing { get; init; }

    /// <summary>Whether rows of embeddings (an image's) alone are thinned, and all text stays.</summary>
    public bool OnlyImages { get; init; }

    /// <summary>
    /// The newest tokens of a prompt, which are never evicted; null for the method's usual: 32, half of what is kept for H2O, none for
    /// FastGen, whose heads say themselves what they need, and where images alone are thinned.
    /// </summary>
    public int? Recent { get; init; }

    /// <summary>What happens to tokens that come after the prompt; null for the method's usual.</summary>
    public DecodingEviction? Decode { get; init; }

    /// <summary>The most bytes that a sequence ever holds; null for no limit.</summary>
    public long? Budget { get; init; }

    /// <summary>Whether tokens of a prompt go when it has been read; else only what a budget has no room for.</summary>
    internal bool EvictsPrompts => (Share ?? Recovery) is not null;

    internal bool UsesProfile => !IsFastGen && LayerSizing is PrefixKvSizing;

    /// <summary>The newest of so many tokens of a prompt that stay.</summary>
    internal int RecentOf(int tokens) => Recent
        ?? (IsFastGen || OnlyImages ? 0
        : Method == EvictionMethods.HeavyHitters && Share is { } share ? (int)(tokens * share / 2) : DefaultRecent);

    internal bool IsFastGen => Method == FastGenName;

    /// <summary>What is observed of a second reading of the text; none where one reading is enough.</summary>
    internal Observations NeedsOfSecondReading => !EvictsPrompts ? Observations.None
        : !IsFastGen ? TokenScore.NeedsOfSecondReading
        : Score is null ? Observations.None : FewestTokens.NeedsOfSecondReading;

    internal TokenScore TokenScore => TokenScore.Named(Score ?? EvictionMethods.Pair(Method).Score);

    internal LayerSizing LayerSizing => LayerSizing.Named(Sizing ?? EvictionMethods.Pair(Method).Sizing);

    /// <summary>The rule for tokens that come after the prompt: what has to be read again for a score is not while decoding.</summary>
    internal DecodingEviction WhileDecoding =>
        Decode ?? (OnlyImages || NeedsOfSecondReading != Observations.None ? DecodingEviction.All : DecodingEviction.Score);

    /// <summary>Kinds of tokens for FastGen; null before <see cref="Calibration.AutoPolicies.Prepare"/> has found them.</summary>
    internal TokenClasses? Classes { get; init; }

    /// <summary>Shares by layer that PrefixKV's sizing goes by; null where every prompt gets its own.</summary>
    internal PrefixKvProfile? LayerShares { get; init; }

    /// <summary>What has to be observed of the attention of a run of tokens.</summary>
    internal ObservedAttention Needs(EvictionRegion region)
    {
        if (IsFastGen) return Score is null ? FastGen.Needs(region.Count) : default;
        if (Share is null) return default;
        ObservedAttention score = TokenScore.NeedsOf(region);
        return score with { Kinds = score.Kinds | (LayerShares is null ? LayerSizing.Needs.Kinds : Observations.None) };
    }

    /// <summary>The same with one term more.</summary>
    internal EvictionPolicy With(string name, string value) => name switch
    {
        "evict" => WithMethod(value),
        "score" => this with { Score = TokenScore.Named(value).Name },
        "sizing" => this with { Sizing = LayerSizing.Named(value).Name },
        "only" => this with { OnlyImages = value == Images ? true : throw Unknown(name, value, [Images]) },
        "recent" => this with { Recent = KvPolicy.Count(name, value) },
        "budget" => this with { Budget = KvBudget.ParseBytes(value) },
        _ => this with
        {
            Decode = Enum.TryParse(value, ignoreCase: true, out DecodingEviction rule) && !char.IsAsciiDigit(value[0])
            ? rule : throw Unknown(name, value, ["all", "score", "slide"])
        },
    };

    /// <exception cref="InvalidInputException">Terms that do not go together.</exception>
    internal void Check()
    {
        if (Method.Length == 0)
            throw new InvalidInputException("KV policy: score, sizing, only, recent, decode and budget belong to evict (as in "
            + "evict=keydiff:50%)");
        if (OnlyImages && (Share is null || Decode == DecodingEviction.Slide))
            throw new InvalidInputException(
                "KV policy: only=images keeps a share of images (as in evict=prefixkv:50%,only=images), and decoded text stays");
        if (IsFastGen && (Sizing is not null || Score is not (null or ReconstructionScore.Reconstruction)))
            throw new InvalidInputException("KV policy: fastgen chooses by its own rules; leave sizing out, and score but for "
                + $"score={ReconstructionScore.Reconstruction}");
        if (Share is null && Recovery is null && (Budget is null || Method != StreamingName))
            throw new InvalidInputException(
            $"KV policy: "
            + $"evict={Method} needs a share (as in "
            + $"evict={Method}:50%){(Method == StreamingName ? " or a budget (as in evict=streaming,budget=64MB)" : "")}");
        if (Decode == DecodingEviction.Slide && (IsFastGen || LayerSizing is not PrefixKvSizing))
            throw new InvalidInputException("KV policy: decode=slide belongs to prefixkv");
    }

    /// <exception cref="InvalidInputException">What it goes by is not known yet for this model.</exception>
    internal void CheckPrepared(KvCache cache)
    {
        if (IsFastGen && Classes is null)
            throw new InvalidInputException(
            $"KV policy {cache.Policy}: the kinds of this model's tokens are not known yet; Model.Prepare(policy) gives the policy that a "
            + $"cache can be made with");
        if (Share is double share) _ = LayerShares?.ForgetRatios(share);
        _ = cache.Policy.HeadCodec(cache.Layout, 0, 0);
    }

    /// <summary>The terms, those left out that are as by default.</summary>
    public override string ToString()
    {
        var text = new StringBuilder($"evict={Method}{_amount}");
        if (Score is not null && Score != EvictionMethods.Pair(Method).Score) text.Append(",score=").Append(Score);
        if (Sizing is not null && Sizing != EvictionMethods.Pair(Method).Sizing) text.Append(",sizing=").Append(Sizing);
        if (OnlyImages) text.Append(",only=").Append(Images);
        if (Recent is { } recent) text.Append(CultureInfo.InvariantCulture, $",recent={recent}");
        if (Decode is { } rule) text.Append(",decode=").Append(rule.ToString().ToLowerInvariant());
        if (Budget is long bytes) text.Append(",budget=").Append(new KvBudget(bytes, KvBudgetUnit.Bytes));
        return text.ToString();
    }

    private EvictionPolicy WithMethod(string value)
    {
        string[] parts = value.Split(':', 2);
        EvictionPolicy named = this with
        {
            Method = parts[0] == FastGenName ? FastGenName : EvictionMethods.Checked(parts[0]),
            _amount = ""
        };
        if (parts.Length == 1) return named;
        bool isShare = parts[1].EndsWith('%');
        if (double.TryParse(parts[1].TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double amount))
        {
            string text = amount.ToString(CultureInfo.InvariantCulture);
            if (named.IsFastGen && !isShare && amount is > 0 and <= 1) return named with { Recovery = amount, _amount = $":{text}" };
            if (!named.IsFastGen && isShare && amount is > 0 and <= 100) return named with { Share = amount / 100, _amount = $":{text}%" };
        }
        throw new InvalidInputException(named.IsFastGen
            ? $"KV policy: evict={value}: give the share of attention to recover, above 0 and at most 1 (as in evict=fastgen:0.95)"
            : $"KV policy: evict={value}: give the share to keep, above 0% and at most 100% (as in evict={parts[0]}:50%)");
    }

    internal static InvalidInputException Unknown(string name, string value, IEnumerable<string> known) =>
        new($"KV policy: {name}={value} is unknown (known: {string.Join(", ", known)})");
}
