namespace Kvasir.Generation.Constraints;

/// <summary>
/// Follows a grammar byte by byte: a pushdown automaton whose states (every place where the text may stand, each with the rules to come
/// back to) are made when they are first reached and kept, so that steps that were taken once are look-ups. For one thread at a time.
/// </summary>
internal sealed class GrammarAutomaton(Grammar grammar)
{
    /// <summary>Rules within rules: JSON that is nested more than 64 deep, which many readers refuse, is not generated.</summary>
    private const int MostDepth = 60;

    /// <summary>Places in one state; a grammar that is so ambiguous is not worth following.</summary>
    private const int MostPlaces = 20_000;

    private const int MostStates = 20_000;

    /// <summary>Places looked at for one answer: some seconds of work, where usual grammars need a few thousandths of one.</summary>
    private const long MostVisits = 20_000_000;

    private long _visits;

    private readonly Dictionary<(int Node, Frame? Parent), Frame> _frames = [];
    private readonly Dictionary<Place[], State> _states = new(new PlacesComparer());
    private readonly Stack<Place> _left = new();
    private readonly HashSet<Place> _seen = [];
    private readonly List<Place> _found = [];
    private readonly List<Place> _behind = [];

    /// <summary>The state before the first byte.</summary>
    public State Start => Closure([new Place(grammar.Start, null)]);

    /// <summary>To be called before each question that may take many steps.</summary>
    public void BeginAnswer() => _visits = 0;

    /// <summary>The state behind one more byte; null where the grammar does not allow it.</summary>
    /// <exception cref="InvalidInputException">There are too many ways to go on.</exception>
    public State? Step(State state, byte value)
    {
        State next = state.Next[value] ?? Follow(state, value);
        return next.IsDead ? null : next;
    }

    /// <summary>Finds the state behind a byte, and keeps it for all bytes around that the same places take.</summary>
    private State Follow(State state, byte value)
    {
        int first = byte.MinValue, last = byte.MaxValue;
        _behind.Clear();
        foreach (Place place in state.Places)
        {
            GrammarNode node = grammar.Nodes[place.Node];
            if (value < node.First) last = Math.Min(last, node.First - 1);
            else if (value > node.Last) first = Math.Max(first, node.Last + 1);
            else
            {
                (first, last) = (Math.Max(first, node.First), Math.Min(last, node.Last));
                _behind.Add(place with { Node = node.Next });
            }
        }

        State next = _behind.Count == 0 ? State.Dead : Closure(CollectionsMarshal.AsSpan(_behind));
        state.Next.AsSpan(first, last - first + 1).Fill(next);
        return next;
    }

    /// <summary>Goes on from these places to all bytes that can be taken next.</summary>
    private State Closure(ReadOnlySpan<Place> from)
    {
        bool accepts = false;
        _seen.Clear();
        _found.Clear();
        _left.Clear();
        foreach (Place place in from) _left.Push(place);
        while (_left.TryPop(out Place place))
        {
            if (!_seen.Add(place)) continue;
            if (_seen.Count > MostPlaces || ++_visits > MostVisits)
                throw new InvalidInputException("grammar: too ambiguous to be followed");
            GrammarNode node = grammar.Nodes[place.Node];
            switch (node.Kind)
            {
                case GrammarNodeKind.Byte when node.First <= node.Last:
                    _found.Add(place);
                    break;
                case GrammarNodeKind.Split:
                    _left.Push(place with { Node = node.Next });
                    _left.Push(place with { Node = node.Other });
                    break;
                case GrammarNodeKind.Call:
                    Call(node, place.Stack);
                    break;
                case GrammarNodeKind.Return when place.Stack is { } frame:
                    _left.Push(new Place(frame.Node, frame.Parent));
                    break;
                case GrammarNodeKind.Return:
                    accepts = true;
                    break;
            }
        }

        return Interned(accepts);
    }

    /// <summary>Where nothing follows the call there is no need to come back to it.</summary>
    private void Call(GrammarNode call, Frame? stack)
    {
        if (grammar.Nodes[call.Next].Kind != GrammarNodeKind.Return) stack = Push(call.Next, stack);
        if (stack is null || stack.Depth <= MostDepth) _left.Push(new Place(call.Other, stack));
    }

    private Frame Push(int node, Frame? parent)
    {
        ref Frame? frame = ref CollectionsMarshal.GetValueRefOrAddDefault(_frames, (node, parent), out _);
        return frame ??= new Frame(node, parent, _frames.Count);
    }

    private State Interned(bool accepts)
    {
        // The end is a place too: states that differ in it alone are different ones.
        if (accepts) _found.Add(new Place(-1, null));
        Place[] places = [.. _found.OrderBy(place => place.Node).ThenBy(place => place.Stack?.Number ?? -1)];
        if (_states.TryGetValue(places, out State? known)) return known;
        if (_states.Count >= MostStates) Forget();
        return _states[places] = new State([.. places.Where(place => place.Node >= 0)], accepts);
    }

    /// <summary>Begins anew; states that are in use stay until they are left.</summary>
    private void Forget()
    {
        foreach (State state in _states.Values) state.Forget();
        _states.Clear();
        _frames.Clear();
    }

    /// <summary>Where to go on when a rule ends.</summary>
    internal sealed class Frame(int node, Frame? parent, int number)
    {
        public int Node => node;

        public Frame? Parent => parent;

        public int Number => number;

        public int Depth { get; } = 1 + (parent?.Depth ?? 0);
    }

    /// <summary>A node, and the rules to come back to.</summary>
    internal readonly record struct Place(int Node, Frame? Stack);

    /// <summary>All places where a text may stand.</summary>
    internal sealed class State(Place[] places, bool accepts)
    {
        public static State Dead { get; } = new([], false);

        public Place[] Places => places;

        /// <summary>Whether the text may end here.</summary>
        public bool Accepts => accepts;

        /// <summary>Whether no byte can follow.</summary>
        public bool IsEnd => places.Length == 0;

        public bool IsDead => ReferenceEquals(this, Dead);

        /// <summary>The states behind each byte, where they are known.</summary>
        public State?[] Next => field ??= new State?[256];

        /// <summary>The tokens that may follow, a bit each; null until somebody asked.</summary>
        public ulong[]? Tokens { get; set; }

        public void Forget()
        {
            Array.Clear(Next);
            Tokens = null;
        }
    }

    private sealed class PlacesComparer : IEqualityComparer<Place[]>
    {
        public bool Equals(Place[]? x, Place[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(Place[] places)
        {
            var hash = default(HashCode);
            foreach (Place place in places) hash.Add(place);
            return hash.ToHashCode();
        }
    }
}
