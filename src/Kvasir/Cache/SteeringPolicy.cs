namespace Kvasir.Cache;

/// <summary>Tokens of a prompt, by position.</summary>
/// <param name="First">The first one.</param>
/// <param name="End">The position behind the last one.</param>
public readonly record struct TokenSpan(int First, int End);

/// <summary>A query head of a layer, or all of them where <paramref name="Head"/> is <see cref="All"/>.</summary>
/// <param name="Layer">The layer, from 0.</param>
/// <param name="Head">The query head, from 0.</param>
public readonly record struct SteeredHead(int Layer, int Head)
{
    /// <summary>Stands for all heads of a layer, and as a layer for all layers.</summary>
    public const int All = -1;

    /// <summary>As in the policy grammar: <c>LAYER.HEAD</c>, <c>LAYER</c> or <c>all</c>.</summary>
    public override string ToString()
    {
        string layer = Layer.ToString(CultureInfo.InvariantCulture);
        return Layer == All ? "all" : Head == All ? layer : string.Create(CultureInfo.InvariantCulture, $"{layer}.{Head}");
    }
}

/// <summary>Which keys the logarithm of alpha is added to.</summary>
public enum SteeringMode
{
    /// <summary>For each span, all keys of the prompt outside it: they count less.</summary>
    Exclude,

    /// <summary>The keys of each span; and it is taken from all keys of the prompt once. Alpha above 1 lets the spans count more.</summary>
    Include,

    /// <summary>All keys of the prompt, once for each span: the prompt counts less than what is generated.</summary>
    Generation,
}

/// <summary>
/// Spans of a prompt that chosen query heads attend to more (PASTA, Zhang et al. 2023): ln(alpha) is added to attention scores before the
/// softmax, in prefill and decode, for keys of the prompt. In the grammar: <c>steer=7:11+20:25@2.8+7.0*0.01</c> (spans, then
/// <c>layer.queryHead</c>, a <c>layer</c> alone or <c>all</c>, then alpha) and <c>steer-mode</c>.
/// </summary>
public sealed record SteeringPolicy
{
    /// <summary>Weight of keys outside the spans where none is given.</summary>
    public const double DefaultAlpha = 0.01;

    private const int LargestNumber = 1 << 20;
    private const double LargestAlpha = 1e30;

    /// <summary>The spans; at least one.</summary>
    public required IReadOnlyList<TokenSpan> Spans { get; init; }

    /// <summary>The heads that are steered; null for those of the policy's profile, or the ones known to be good for the model.</summary>
    public IReadOnlyList<SteeredHead>? Heads { get; init; }

    /// <summary>Above 0. 0.01 where it is not given, 100 with <see cref="SteeringMode.Include"/>.</summary>
    public double? Alpha { get; init; }

    /// <summary>Which keys it is about.</summary>
    public SteeringMode Mode { get; init; }

    /// <summary>Tokens of the prompt where it is not all that is given; not part of the grammar.</summary>
    public int? PromptTokens { get; init; }

    /// <inheritdoc/>
    public bool Equals(SteeringPolicy? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    /// <summary>The terms of the policy grammar.</summary>
    public override string ToString()
    {
        var text = new StringBuilder("steer=")
            .AppendJoin('+', Spans.Select(span => string.Create(CultureInfo.InvariantCulture, $"{span.First}:{span.End}")));
        if (Heads is not null) text.Append('@').AppendJoin('+', Heads);
        if (Alpha is double alpha) text.Append(CultureInfo.InvariantCulture, $"*{alpha}");
        if (Mode != SteeringMode.Exclude) text.Append(",steer-mode=").Append(Mode.ToString().ToLowerInvariant());
        return text.ToString();

    }

    /// <summary>What is added to a key's score each time that it is counted.</summary>
    internal double LogAlpha => Math.Log(Alpha ?? (Mode == SteeringMode.Include ? 1 / DefaultAlpha : DefaultAlpha));

    /// <summary>What the terms read so far and one more, <c>steer</c> or <c>steer-mode</c>, say.</summary>
    /// <exception cref="InvalidInputException">The term is wrong.</exception>
    internal static SteeringPolicy Read(SteeringPolicy? sofar, string name, string value)
    {
        sofar ??= new SteeringPolicy { Spans = [] };
        if (name == "steer-mode")
            return Enum.TryParse(value, ignoreCase: true, out SteeringMode mode) && value.All(char.IsAsciiLetterLower)
                ? sofar with { Mode = mode }
                : throw new InvalidInputException($"KV policy: steer-mode={value} is unknown (known: exclude, include, generation)");
        string[] parts = value.Split('*', 2);
        double? alpha = parts.Length == 1 ? null : ReadAlpha(value, parts[1]);
        parts = parts[0].Split('@', 2);
        return sofar with
        {
            Spans = [.. parts[0].Split('+').Select(span => ReadSpan(value, span))],
            Heads = parts.Length == 1 ? null : [.. parts[1].Split('+').Select(head => ReadHead(value, head))],
            Alpha = alpha,
        };
    }

    /// <exception cref="InvalidInputException">There is a mode and nothing to steer to.</exception>
    internal void Check()
    {
        if (Spans.Count == 0)
            throw new InvalidInputException(
                "KV policy: 'steer-mode' belongs to 'steer' (as in steer=7:11@2.8*0.01,steer-mode=exclude)");
    }

    /// <exception cref="InvalidInputException">No such layer or head.</exception>
    internal void CheckHeads(int layers, int queryHeads)
    {
        foreach (SteeredHead head in Heads ?? [])
            if (head.Layer >= layers || head.Head >= queryHeads)
                throw new InvalidInputException(
                    $"KV policy: {this}: there is no head {head}; the model has layers 0 to "
                    + $"{layers - 1}, each with query heads 0 to {queryHeads - 1}");
    }

    private static TokenSpan ReadSpan(string value, string span)
    {
        string[] ends = span.Split(':');
        return ends.Length == 2 && ReadNumber(ends[0]) is int first && ReadNumber(ends[1]) is int end && first < end
            ? new TokenSpan(first, end)
            : throw Wrong(value, $"'{span}' is no span FIRST:END of token positions, END behind the last one (as in 7:11)");
    }

    private static SteeredHead ReadHead(string value, string head)
    {
        if (head == "all") return new SteeredHead(SteeredHead.All, SteeredHead.All);
        string[] parts = head.Split('.');
        int? layer = ReadNumber(parts[0]), query = parts.Length == 2 ? ReadNumber(parts[1]) : SteeredHead.All;
        return parts.Length <= 2 && layer is int l && query is int q
            ? new SteeredHead(l, q)
            : throw Wrong(value, $"'{head}' is no LAYER.QUERYHEAD (as in 2.8), LAYER or all");
    }

    private static double ReadAlpha(string value, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double alpha)
            && alpha is >= 1 / LargestAlpha and <= LargestAlpha
            ? alpha
            : throw Wrong(value, $"alpha '{text}' must be a number above 0 (0.01 lets all else count a hundredth)");

    private static int? ReadNumber(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= LargestNumber ? number : null;

    private static InvalidInputException Wrong(string value, string rule) => new($"KV policy: steer={value}: {rule}");
}
