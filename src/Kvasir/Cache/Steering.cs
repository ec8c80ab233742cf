namespace Kvasir.Cache;

/// <summary>
/// A <see cref="SteeringPolicy"/> for one sequence: what is added to the score of the key at each position, in the heads that are steered.
/// With c = ln(alpha) and n(key) the number of times that the policy's mode counts the key, the softmax sees score + c · (n(key) - n(0)).
/// What is common to all keys cancels there, so the keys up to the first one that differs from position 0 are left exactly as they are: so
/// far a sequence is computed as if it were not steered.
/// </summary>
internal sealed class Steering
{
    private readonly int[] _starts;
    private readonly float[] _biases;
    private readonly HashSet<SteeredHead> _heads;

    /// <param name="policy">Spans, heads, alpha.</param>
    /// <param name="promptTokens">Tokens of the prompt; keys behind it are never counted.</param>
    /// <exception cref="InvalidInputException">A span passes the prompt's end, or the heads are not chosen yet.</exception>
    public Steering(SteeringPolicy policy, int promptTokens)
    {
        Policy = policy;
        promptTokens = policy.PromptTokens ?? promptTokens;
        _heads = [.. policy.Heads ?? throw new InvalidInputException($"KV policy {policy}: the heads are not chosen yet for this model; "
            + $"Model.Prepare(policy) gives the policy that a cache can be made with")];
        foreach (TokenSpan span in policy.Spans)
            if (span.End > promptTokens)
                throw new InvalidInputException(
                    $"KV policy: {policy}: the span {span.First}:{span.End} passes the end of the prompt, which has {promptTokens} tokens");
        int[] firsts = [.. policy.Spans.Select(span => span.First).Order()], ends = [.. policy.Spans.Select(span => span.End).Order()];
        var runs = new List<(int Start, int Count)>();
        foreach (int start in (int[])[0, .. firsts.Union(ends).Append(promptTokens).Where(start => start > 0).Order()])
            if (Count(start) is var count && (runs.Count == 0 || runs[^1].Count != count)) runs.Add((start, count));
        _starts = [.. runs.Select(run => run.Start)];
        _biases = [.. runs.Select(run => (float)(policy.LogAlpha * (run.Count - runs[0].Count)))];

        int Count(int position)
        {
            if (position >= promptTokens) return 0;
            int spans = UpTo(firsts, position) - UpTo(ends, position);
            return policy.Mode switch
            {
                SteeringMode.Exclude => firsts.Length - spans,
                SteeringMode.Include => spans - 1,
                _ => firsts.Length,
            };
        }
    }

    public SteeringPolicy Policy { get; }

    /// <summary>First tokens of the sequence whose keys and values in all layers are those of an unsteered one.</summary>
    public int UnsteeredTokens => _starts.Length > 1 ? _starts[1] : int.MaxValue;

    /// <summary>First tokens of a sequence whose keys and values are the same under both.</summary>
    public static int CommonTokens(Steering? one, Steering? other)
    {
        int unsteered = Math.Min(one?.UnsteeredTokens ?? int.MaxValue, other?.UnsteeredTokens ?? int.MaxValue);
        if (one is null || other is null || !one._heads.SetEquals(other._heads)) return unsteered;
        int same = 0;
        while (same < one._starts.Length && same < other._starts.Length
            && (one._starts[same], one._biases[same]) == (other._starts[same], other._biases[same])) same++;
        return Math.Min(StartOf(one, same), StartOf(other, same));

        static int StartOf(Steering steering, int run) => run < steering._starts.Length ? steering._starts[run] : int.MaxValue;
    }

    /// <summary>
    /// Bit i tells whether head <paramref name="firstHead"/> + i of a layer is steered; of <paramref name="count"/> heads, at most 64.
    /// </summary>
    public ulong HeadsOf(int layer, int firstHead, int count)
    {
        if (_heads.Contains(new(layer, SteeredHead.All)) || _heads.Contains(new(SteeredHead.All, SteeredHead.All))) return ulong.MaxValue;
        ulong steered = 0;
        for (int h = 0; h < count; h++)
            if (_heads.Contains(new SteeredHead(layer, firstHead + h))) steered |= 1UL << h;
        return steered;
    }

    /// <summary>What is added to the score of the key at a position.</summary>
    public float At(int position) => _biases[UpTo(_starts, position) - 1];

    /// <summary>The same for positions that follow each other; false, and nothing is filled, where it is 0 for all.</summary>
    public bool Fill(int first, Span<float> biases)
    {
        int run = UpTo(_starts, first) - 1, filled = 0;
        if (_biases[run] == 0 && (run + 1 == _starts.Length || _starts[run + 1] - first >= biases.Length)) return false;
        for (; filled < biases.Length; run++)
        {
            int end = run + 1 < _starts.Length ? Math.Min(_starts[run + 1] - first, biases.Length) : biases.Length;
            biases[filled..end].Fill(_biases[run]);
            filled = end;
        }
        return true;
    }

    /// <summary>
    /// How many of ascending numbers are at most <paramref name="limit"/>; the same number may stand there several times.
    /// </summary>
    private static int UpTo(int[] ascending, int limit)
    {
        (int low, int high) = (0, ascending.Length);
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (ascending[middle] <= limit) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
