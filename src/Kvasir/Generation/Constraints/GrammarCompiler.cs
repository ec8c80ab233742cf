namespace Kvasir.Generation.Constraints;

/// <summary>Turns rules into nodes: each expression is built in front of the node that follows it (Thompson's construction).</summary>
internal sealed class GrammarCompiler(IReadOnlyDictionary<string, GrammarExpression> rules)
{
    /// <summary>A schema of a hundred properties takes some thousand.</summary>
    public const int MostNodes = 200_000;

    private readonly List<GrammarNode> _nodes = [];
    private readonly Dictionary<string, int> _starts = new(StringComparer.Ordinal);
    private readonly Queue<string> _toBuild = new();

    /// <summary>The first node of a rule, through which all rules that it needs are built.</summary>
    /// <exception cref="InvalidInputException">A rule is missing, calls itself first, or all is too large.</exception>
    public int StartOf(string root)
    {
        int start = Entry(root);
        while (_toBuild.TryDequeue(out string? name))
        {
            int first = Build(rules[name], Add(new GrammarNode(GrammarNodeKind.Return)));
            _nodes[_starts[name]] = new GrammarNode(GrammarNodeKind.Split, first, first);
        }

        new LeftRecursion(_nodes).Refuse(_starts);
        return start;
    }

    public GrammarNode[] Nodes() => [.. _nodes];

    /// <summary>A node that leads into a rule, which may be built later: rules may call each other.</summary>
    private int Entry(string rule)
    {
        if (_starts.TryGetValue(rule, out int start)) return start;
        if (!rules.ContainsKey(rule)) throw new InvalidInputException($"grammar: there is no rule named {rule}");
        _toBuild.Enqueue(rule);
        return _starts[rule] = Add(default);
    }

    private int Build(GrammarExpression expression, int next)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (expression)
        {
            case GrammarExpression.Literal literal:
                for (int i = literal.Bytes.Length - 1; i >= 0; i--) next = AddByte(literal.Bytes[i], literal.Bytes[i], next);
                return next;
            case GrammarExpression.Characters characters:
                return Either([.. characters.Ranges.SelectMany(range => Utf8Ranges.Of(range.First, range.Last))
                    .Select(bytes => bytes.Reverse().Aggregate(next, (behind, one) => AddByte(one.First, one.Last, behind)))]);
            case GrammarExpression.Sequence sequence:
                return sequence.Parts.Reverse().Aggregate(next, (behind, part) => Build(part, behind));
            case GrammarExpression.Choice choice:
                return Either([.. choice.Choices.Select(one => Build(one, next))]);
            case GrammarExpression.Repeat repeat:
                return Repeated(repeat, next);
            case GrammarExpression.Rule rule:
                return Add(new GrammarNode(GrammarNodeKind.Call, next, Entry(rule.Name)));
            default:
                throw new UnreachableException();
        }
    }

    private int Repeated(GrammarExpression.Repeat repeat, int next)
    {
        if (repeat.Most is int most)
        {
            int end = next;
            for (int i = repeat.Least; i < most; i++) next = Either([Build(repeat.Part, next), end]);
        }
        else
        {
            int loop = Add(default);
            _nodes[loop] = new GrammarNode(GrammarNodeKind.Split, Build(repeat.Part, loop), next);
            next = loop;
        }

        for (int i = 0; i < repeat.Least; i++)
        {
            int behind = next;
            next = Build(repeat.Part, behind);
            if (next == behind) break; // nothing, however often: no limit of nodes would end it
        }

        return next;
    }

    /// <summary>A node that leads to all of these; where there are none, nothing can follow.</summary>
    private int Either(int[] ways) => ways.Length == 0 ? AddByte(1, 0, -1)
        : ways.Aggregate((first, second) => Add(new GrammarNode(GrammarNodeKind.Split, first, second)));

    private int AddByte(byte first, byte last, int next) => Add(new GrammarNode(GrammarNodeKind.Byte, next, -1, first, last));

    private int Add(GrammarNode node)
    {
        if (_nodes.Count == MostNodes)
            throw new InvalidInputException($"grammar: too large, it takes more than {MostNodes} steps; make it shorter or repeat less");
        _nodes.Add(node);
        return _nodes.Count - 1;
    }
}
