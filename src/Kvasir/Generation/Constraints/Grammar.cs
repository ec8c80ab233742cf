using System.Text.Json;

namespace Kvasir.Generation.Constraints;

/// <summary>
/// What a generated text may be, byte by byte: a context-free grammar, made from rules (GBNF, as llama.cpp writes them) or from a JSON
/// schema. Immutable and safe to share between threads.
/// </summary>
/// <remarks>Grammars come with requests, so they are not trusted: size and nesting are limited, and left recursion is refused.</remarks>
public sealed class Grammar
{
    private static readonly Lazy<Grammar> AnyObject = new(() => Build(JsonGrammar.Rules(), "object"));

    private Grammar(GrammarNode[] nodes, int start) => (Nodes, Start) = (nodes, start);

    internal IReadOnlyList<GrammarNode> Nodes { get; }

    /// <summary>The first node of the root rule.</summary>
    internal int Start { get; }

    /// <summary>Any JSON object.</summary>
    public static Grammar JsonObject => AnyObject.Value;

    /// <summary>Reads rules such as <c>root ::= "yes" | "no" [0-9]{1,3}</c>; <c>root</c> is what the text must be.</summary>
    /// <exception cref="InvalidInputException">A syntax error with its line, an unknown rule, left recursion, or too large.</exception>
    public static Grammar Parse(string rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        return Build(new GbnfParser(rules).Parse(), "root");
    }

    /// <summary>JSON that a schema allows, properties in the schema's order.</summary>
    /// <param name="schema">A JSON schema; of what it may say, what cannot be kept is refused by name.</param>
    /// <exception cref="InvalidInputException">No schema, one with keywords that are not supported, or too large.</exception>
    public static Grammar FromJsonSchema(JsonElement schema)
    {
        var rules = new JsonSchemaGrammar(schema);
        return Build(rules.Rules(), JsonSchemaGrammar.Root);
    }

    internal static Grammar Build(IReadOnlyDictionary<string, GrammarExpression> rules, string root)
    {
        var compiler = new GrammarCompiler(rules);
        int start = compiler.StartOf(root);
        return new Grammar(compiler.Nodes(), start);
    }
}

/// <summary>A step of a compiled grammar.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Next">The node behind it.</param>
/// <param name="Other">The second way of a split; the first node of a called rule.</param>
/// <param name="First">The least byte that it takes.</param>
/// <param name="Last">The largest.</param>
internal readonly record struct GrammarNode(GrammarNodeKind Kind, int Next = -1, int Other = -1, byte First = 0, byte Last = 0);

/// <summary>Kinds of <see cref="GrammarNode"/>.</summary>
internal enum GrammarNodeKind
{
    /// <summary>Takes a byte.</summary>
    Byte,

    /// <summary>Goes two ways.</summary>
    Split,

    /// <summary>Goes through a rule and comes back.</summary>
    Call,

    /// <summary>The end of a rule.</summary>
    Return,
}
