namespace Kvasir.Generation.Constraints;

/// <summary>
/// Finds rules that can come back to themselves before a byte is taken: an automaton would call them for ever. A rule may be passed
/// without a byte where its end can be reached so (<em>nullable</em>).
/// </summary>
internal sealed class LeftRecursion(IReadOnlyList<GrammarNode> nodes)
{
    private readonly HashSet<int> _nullable = [];

    /// <exception cref="InvalidInputException">There is such a rule, or nothing but endless ones.</exception>
    public void Refuse(IReadOnlyDictionary<string, int> starts)
    {
        Dictionary<int, (HashSet<int> Calls, bool ReachesEnd)> reached = [];
        for (int known = -1; known != _nullable.Count;)
        {
            known = _nullable.Count;
            foreach (int start in starts.Values)
            {
                reached[start] = Reach(start);
                if (reached[start].ReachesEnd) _nullable.Add(start);
            }
        }

        foreach ((string name, int start) in starts)
        {
            var seen = new HashSet<int>();
            var left = new Stack<int>(reached[start].Calls);
            while (left.TryPop(out int rule))
            {
                if (rule == start) throw new InvalidInputException($"grammar: the rule {name} begins with itself (left recursion)");
                if (seen.Add(rule)) foreach (int called in reached[rule].Calls) left.Push(called);
            }
        }
    }

    /// <summary>What can be reached from a rule's start without a byte: the rules called, and whether its end is.</summary>
    private (HashSet<int> Calls, bool ReachesEnd) Reach(int start)
    {
        HashSet<int> seen = [], calls = [];
        bool end = false;
        var left = new Stack<int>([start]);
        while (left.TryPop(out int at))
        {
            if (!seen.Add(at)) continue;
            GrammarNode node = nodes[at];
            switch (node.Kind)
            {
                case GrammarNodeKind.Split:
                    left.Push(node.Next);
                    left.Push(node.Other);
                    break;
                case GrammarNodeKind.Call:
                    calls.Add(node.Other);
                    if (_nullable.Contains(node.Other)) left.Push(node.Next);
                    break;
                case GrammarNodeKind.Return:
                    end = true;
                    break;
            }
        }

        return (calls, end);
    }
}
