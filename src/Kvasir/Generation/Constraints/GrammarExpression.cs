namespace Kvasir.Generation.Constraints;

/// <summary>What a rule of a grammar may be: texts that follow each other, stand for each other, or repeat.</summary>
internal abstract record GrammarExpression
{
    /// <summary>The empty text.</summary>
    public static GrammarExpression Nothing { get; } = new Sequence([]);

    public static GrammarExpression Text(string text) => new Literal(Encoding.UTF8.GetBytes(text));

    public static GrammarExpression Of(params GrammarExpression[] parts) => new Sequence(parts);

    public static GrammarExpression Any(params GrammarExpression[] choices) => new Choice(choices);

    public static GrammarExpression Optional(GrammarExpression part) => new Repeat(part, 0, 1);

    /// <summary>These bytes.</summary>
    public sealed record Literal(byte[] Bytes) : GrammarExpression;

    /// <summary>One character of these ranges of code points, both ends in them.</summary>
    public sealed record Characters(IReadOnlyList<(int First, int Last)> Ranges) : GrammarExpression
    {
        /// <summary>All characters but these.</summary>
        public static Characters Except(IEnumerable<(int First, int Last)> ranges)
        {
            var left = new List<(int, int)>();
            int next = 0;
            foreach ((int first, int last) in ranges.OrderBy(range => range.First))
            {
                if (first > next) left.Add((next, first - 1));
                next = Math.Max(next, last + 1);
            }

            if (next <= Utf8Ranges.LastCodePoint) left.Add((next, Utf8Ranges.LastCodePoint));
            return new Characters(left);
        }
    }

    /// <summary>One after another.</summary>
    public sealed record Sequence(IReadOnlyList<GrammarExpression> Parts) : GrammarExpression;

    /// <summary>One of several.</summary>
    public sealed record Choice(IReadOnlyList<GrammarExpression> Choices) : GrammarExpression;

    /// <summary>So many times; <paramref name="Most"/> null for any number.</summary>
    public sealed record Repeat(GrammarExpression Part, int Least, int? Most) : GrammarExpression;

    /// <summary>What the rule of this name says.</summary>
    public sealed record Rule(string Name) : GrammarExpression;
}
