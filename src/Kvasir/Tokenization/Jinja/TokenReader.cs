namespace Kvasir.Tokenization.Jinja;

/// <summary>A place in the tokens of a template, and how deeply the parser is nested there.</summary>
internal sealed class TokenReader(IReadOnlyList<Token> tokens)
{
    private const int MaxDepth = 60;

    private int _position;
    private int _depth;

    public Token Current => tokens[_position];

    public int Line => Current.Line;

    public Token Next()
    {
        Token token = Current;
        _position = Math.Min(_position + 1, tokens.Count - 1);
        return token;
    }

    public int Position => _position;

    /// <summary>Which of these names occur between a position and the current one.</summary>
    public IReadOnlySet<string> NamesSince(int position, params ReadOnlySpan<string> names)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        for (int i = position; i < _position; i++)
        {
            if (tokens[i].Kind == TokenKind.Name && names.Contains(tokens[i].Text)) found.Add(tokens[i].Text);
        }

        return found;
    }

    public Token Peek() => tokens[Math.Min(_position + 1, tokens.Count - 1)];

    public bool IsOperator(string text) => Current.Kind == TokenKind.Operator && Current.Text == text;

    public bool IsName(string text) => Current.Kind == TokenKind.Name && Current.Text == text;

    public bool SkipOperator(string text)
    {
        bool found = IsOperator(text);
        if (found) Next();
        return found;
    }

    public bool SkipName(string text)
    {
        bool found = IsName(text);
        if (found) Next();
        return found;
    }

    public void ExpectOperator(string text)
    {
        if (!SkipOperator(text)) throw Fail($"expected '{text}', found {Current}");
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
