using Kvasir.Tokenization;

namespace Kvasir.Generation.Constraints;

/// <summary>
/// A vocabulary by the bytes of its tokens: tokens with a common beginning share the path to it, so that a state which refuses a byte
/// refuses all tokens behind it at once. Control tokens are in no text, and not in here. Immutable.
/// </summary>
internal sealed class TokenTrie
{
    private const int LongestToken = 256;
    private static readonly ConditionalWeakTable<Tokenizer, TokenTrie> Tries = [];

    private readonly List<(byte Value, int FirstChild, int NextSibling, int FirstToken)> _nodes = [(0, -1, -1, -1)];
    private readonly int[] _nextToken;

    private TokenTrie(Tokenizer tokenizer)
    {
        Vocabulary = tokenizer.VocabularySize;
        _nextToken = new int[Vocabulary];
        EndOfGeneration = [.. Enumerable.Range(0, Vocabulary).Where(tokenizer.IsEndOfGeneration)];
        // Backwards, so that each node's children, which are put in front, come to stand in order.
        foreach (int id in Enumerable.Range(0, Vocabulary).Where(id => !tokenizer.IsSpecial(id) && !tokenizer.IsEndOfGeneration(id))
            .OrderByDescending(id => tokenizer.Bytes(id).ToArray(), BytesComparer.Instance))
            Add(tokenizer.Bytes(id), id);
    }

    public int Vocabulary { get; }

    /// <summary>The ids that end a text.</summary>
    public IReadOnlyList<int> EndOfGeneration { get; }

    public static TokenTrie Of(Tokenizer tokenizer) => Tries.GetValue(tokenizer, key => new TokenTrie(key));

    /// <summary>The tokens that may follow a state, a bit each.</summary>
    public ulong[] Allowed(GrammarAutomaton automaton, GrammarAutomaton.State state)
    {
        ulong[] allowed = new ulong[(Vocabulary + 63) / 64];
        Walk(0, state);
        if (state.Accepts) foreach (int id in EndOfGeneration) allowed[id / 64] |= 1UL << (id % 64);
        return allowed;

        void Walk(int node, GrammarAutomaton.State at)
        {
            for (int child = _nodes[node].FirstChild; child >= 0; child = _nodes[child].NextSibling)
            {
                if (automaton.Step(at, _nodes[child].Value) is not { } behind) continue;
                for (int id = _nodes[child].FirstToken; id >= 0; id = _nextToken[id]) allowed[id / 64] |= 1UL << (id % 64);
                Walk(child, behind);
            }
        }
    }

    private void Add(ReadOnlySpan<byte> bytes, int id)
    {
        if (bytes.Length is 0 or > LongestToken) return;
        int node = 0;
        foreach (byte value in bytes)
        {
            int child = _nodes[node].FirstChild;
            if (child < 0 || _nodes[child].Value != value)
            {
                _nodes.Add((value, -1, child, -1));
                child = _nodes.Count - 1;
                _nodes[node] = _nodes[node] with { FirstChild = child };
            }

            node = child;
        }

        _nextToken[id] = _nodes[node].FirstToken;
        _nodes[node] = _nodes[node] with { FirstToken = id };
    }

    private sealed class BytesComparer : IComparer<byte[]>
    {
        public static BytesComparer Instance { get; } = new();

        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
    }
}
