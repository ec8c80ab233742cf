namespace Kvasir.Cache.Eviction;

/// <summary>
/// A run of tokens that a policy will be applied to once all of them are in the cache: a prompt, or what was decoded since.
/// </summary>
internal sealed class EvictionRegion
{
    private readonly List<int> _ids;
    private readonly bool[] _protected;

    /// <param name="first">Position of its first token; all heads hold all tokens from there on.</param>
    /// <param name="end">The position behind its last token.</param>
    /// <param name="firstQuery">The first token that is still to be computed.</param>
    /// <param name="ids">Ids from <paramref name="first"/> on, as far as they are known.</param>
    /// <param name="isPrompt">Whether it ends a prompt.</param>
    public EvictionRegion(int first, int end, int firstQuery, ReadOnlySpan<int> ids, bool isPrompt)
    {
        (First, End, FirstQuery, IsPrompt) = (first, end, firstQuery, isPrompt);
        _ids = [.. ids];
        _protected = new bool[end - first];
    }

    public int First { get; }

    public int End { get; }

    public int FirstQuery { get; }

    public int Count => End - First;

    public bool IsPrompt { get; }

    public IReadOnlyList<int> Ids => _ids;

    /// <summary>Which tokens stay in any case.</summary>
    public IReadOnlyList<bool> Protected => _protected;

    /// <summary>Which tokens are rows of embeddings (an image's), counted from the first.</summary>
    public int[] Images => [.. Enumerable.Range(0, _ids.Count).Where(token => _ids[token] < 0)];

    /// <summary>Tokens behind the last image; 0 where there is none.</summary>
    public int QuestionTokens => _ids.FindLastIndex(id => id < 0) is >= 0 and int last ? Count - last - 1 : 0;

    /// <summary>Lets positions [first, end) stay in any case.</summary>
    public void Protect(int first, int end)
    {
        for (int position = Math.Max(first, First); position < Math.Min(end, End); position++) _protected[position - First] = true;
    }

    /// <summary>The newest tokens that stay in any case. While decoding no head is left without any.</summary>
    public int Newest(EvictionPolicy policy) =>
        Math.Max(policy.RecentOf(Count), IsPrompt ? 0 : EvictionPolicy.DefaultRecent);

    /// <summary>Takes in the ids of tokens that were appended to the cache.</summary>
    public void Append(int id, int position)
    {
        if (position - First == _ids.Count) _ids.Add(id);
    }
}
