namespace Kvasir.Tokenization.Jinja;

/// <summary>A place in the tokens of a template, and how deeply the parser is nested there.</summary>
internal sealed class TokenReader(IReadOnlyList<Token> tokens)
{
    private const int MaxDepth = 60;

    private int _depth;

    public int Position { get; private set; }

    public Token Current => tokens[Position];

    public int Line => Current.Line;

    public Token Next()
    {
        Token token = Current;
        Position = Math.Min(Position + 1, tokens.Count - 1);
        return token;
    }

    public Token Peek() => tokens[Math.Min(Position + 1, tokens.Count - 1)];

    /// <summary>Which of these names occur between a position and the current one.</summary>
    public IReadOnlySet<string> NamesSince(int position, params string[] names) => tokens.Take(position..Position)
        .Where(token => token.Kind == TokenKind.Name && names.Contains(token.Text))
        .Select(token => token.Text).ToHashSet(StringComparer.Ordinal);

    /// <summary>Whether this operator or name comes next.</summary>
    public bool Is(string text) => Current.Kind is TokenKind.Operator or TokenKind.Name && Current.Text == text;

    /// <summary>Passes over this operator or name where it comes next.</summary>
    public bool Skip(string text)
    {
        bool found = Is(text);
        if (found) Next();
        return found;
    }

    public void Expect(string text)
    {
        if (!Skip(text)) throw Fail($"expected '{text}', found {Current}");
    }

    public Token Expect(TokenKind kind, string wanted) => Current.Kind == kind ? Next() : throw Fail($"expected {wanted}, found {Current}");

    /// <summary>Begins a nested part; <see cref="Leave"/> ends it. Hostile nesting ends here and not in a stack overflow.</summary>
    public void Enter()
    {
        if (++_depth > MaxDepth) throw Fail($"expressions and blocks are nested more than {MaxDepth} levels deep");
    }

    public void Leave() => _depth--;

    public InvalidInputException Fail(string problem) => TemplateError.At(Line, problem);
}
