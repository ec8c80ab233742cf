namespace Kvasir.Generation;

/// <summary>
/// Prompt-lookup decoding (Saxena 2023; Yang et al. 2023, arXiv:2304.04487): where the newest tokens stand earlier in the sequence, what
/// followed them there is a draft of what comes next. One pass computes all of it, and it is kept as far as it is what would have been
/// chosen token by token. How much is proposed depends on how often such drafts came true. One per sequence; allocates nothing.
/// </summary>
/// <param name="most">The most tokens of a draft.</param>
internal sealed class PromptLookup(int most)
{
    /// <summary>
    /// What a pass costs beside its tokens, in tokens: a pass over one token reads all weights, as one over some tokens does. On the CPUs
    /// measured it is 6 to 9.
    /// </summary>
    private const double PassInTokens = 6;

    /// <summary>Of the shares that came true, the weight of the newest token; and of what was believed at first, at every pass.</summary>
    private const double Newest = 1.0 / 4, Forgotten = 1.0 / 256;

    private const int LongestMatch = 8;

    /// <summary>The share of drafted tokens that come true, by the tokens that matched, as it is believed at first.</summary>
    private static ReadOnlySpan<double> Believed => [0, 0, 0.3, 0.7];

    private readonly double[] _cameTrue = Believed.ToArray();
    private int _matched;

    /// <summary>What followed the newest tokens where they stood before; empty where they did not, or where it does not pay.</summary>
    /// <param name="ids">The sequence.</param>
    /// <param name="room">The most tokens.</param>
    /// <param name="sequences">How many sequences the pass decodes.</param>
    public ReadOnlySpan<int> Propose(ReadOnlySpan<int> ids, int room, int sequences)
    {
        for (int i = 1; i < _cameTrue.Length; i++) _cameTrue[i] += (Believed[i] - _cameTrue[i]) * Forgotten;
        int at = LastMatch(ids, out int length);
        if (at == 0) return [];
        _matched = Math.Min(length, _cameTrue.Length - 1);
        // A token more costs 1 / (sequences + PassInTokens) of the pass, which gives a token for each sequence.
        double least = sequences / (sequences + PassInTokens), likely = _cameTrue[_matched];
        int end = at, last = Math.Min(ids.Length, at + Math.Min(most, room));
        while (end < last && likely > least && ids[end] >= 0) // below 0 are rows of pictures
        {
            likely *= _cameTrue[^1]; // behind a token that came true the match is longer
            end++;
        }
        return ids[at..end];
    }

    /// <summary>Tells how many tokens of the last draft came true.</summary>
    public void Learn(int drafted, int cameTrue)
    {
        for (int i = 0; i < Math.Min(drafted, cameTrue + 1); i++)
        {
            int matched = Math.Min(_matched + i, _cameTrue.Length - 1);
            _cameTrue[matched] += ((i < cameTrue ? 1 : 0) - _cameTrue[matched]) * Newest;
        }
    }

    /// <summary>The place behind the last of the longest earlier runs of the newest tokens; 0 where there is none.</summary>
    private static int LastMatch(ReadOnlySpan<int> ids, out int length)
    {
        length = 0;
        int found = 0;
        for (int at = ids.Length - 1; length < LongestMatch && (at = ids[..at].LastIndexOf(ids[^1])) >= 0;)
        {
            int same = 1;
            while (same < LongestMatch && same <= at && ids[at - same] == ids[^(same + 1)]) same++;
            if (same > length) (length, found) = (same, at + 1);
        }
        return found;
    }
}
