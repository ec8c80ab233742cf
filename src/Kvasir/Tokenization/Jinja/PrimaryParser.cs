namespace Kvasir.Tokenization.Jinja;

/// <summary>Reads literals, names, and what follows a value: attributes, items, slices, calls, filters and tests.</summary>
internal sealed class PrimaryParser(TokenReader tokens)
{
    public Expression Read(ExpressionParser expressions)
    {
        Token token = tokens.Next();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return Named(token);
            case TokenKind.Text:
                return new Literal(ReadAdjacentTexts(token.Text), token.Line);
            case TokenKind.Integer or TokenKind.Float:
                return new Literal(NumberLiteral.Parse(token), token.Line);
            case TokenKind.Operator when token.Text == "(":
                return ReadParentheses(expressions, token.Line);
            case TokenKind.Operator when token.Text == "[":
                return new SequenceLiteral(ReadList("]", expressions.Read), SequenceKind.List, token.Line);
            case TokenKind.Operator when token.Text == "{":
                return new MappingLiteral(ReadList("}", () => ReadEntry(expressions)), token.Line);
            default:
                throw TemplateError.At(token.Line, $"expected a value, found {token}");
        }
    }

    public Expression ReadWithPostfix(ExpressionParser expressions) => ReadPostfix(Read(expressions), expressions);

    public Expression ReadPostfix(Expression value, ExpressionParser expressions)
    {
        while (true)
        {
            int line = tokens.Line;
            if (tokens.SkipOperator("."))
            {
                value = tokens.Current.Kind == TokenKind.Integer
                    ? new ItemExpression(value, new Literal(NumberLiteral.Parse(tokens.Next()), line), line)
                    : new AttributeExpression(value, tokens.Expect(TokenKind.Name, "a name after '.'").Text, line);
            }
            else if (tokens.SkipOperator("[")) value = ReadSubscript(value, expressions, line);
            else if (tokens.IsOperator("("))
            {
                value = new CallExpression(value, ReadArguments(expressions), line);
            }
            else return value;
        }
    }

    public Expression ReadFiltersAndTests(Expression value, ExpressionParser expressions)
    {
        while (true)
        {
            int line = tokens.Line;
            if (tokens.SkipOperator("|")) value = new FilterExpression(value, ReadFilterStep(expressions), line);
            else if (tokens.SkipName("is")) value = ReadTest(value, expressions, line);
            else if (tokens.IsOperator("(")) value = new CallExpression(value, ReadArguments(expressions), line);
            else return value;
        }
    }

    public FilterStep ReadFilterStep(ExpressionParser expressions)
    {
        Token name = tokens.Expect(TokenKind.Name, "the name of a filter");
        return new FilterStep(name.Text, tokens.IsOperator("(") ? ReadArguments(expressions) : ArgumentList.Empty);
    }

    private static Expression Named(Token token) => token.Text switch
    {
        "true" or "True" => new Literal(true, token.Line),
        "false" or "False" => new Literal(false, token.Line),
        "none" or "None" => new Literal(null, token.Line),
        _ => new NameExpression(token.Text, token.Line),
    };

    private string ReadAdjacentTexts(string first)
    {
        if (tokens.Current.Kind != TokenKind.Text) return first;
        var parts = new List<string> { first };
        while (tokens.Current.Kind == TokenKind.Text) parts.Add(tokens.Next().Text);
        return string.Concat(parts);
    }

    private Expression ReadParentheses(ExpressionParser expressions, int line)
    {
        if (tokens.SkipOperator(")")) return new SequenceLiteral([], SequenceKind.Tuple, line);
        Expression value = expressions.ReadTuple();
        tokens.ExpectOperator(")");
        return value;
    }

    private List<T> ReadList<T>(string end, Func<T> read)
    {
        var items = new List<T>();
        while (!tokens.SkipOperator(end))
        {
            if (items.Count > 0)
            {
                tokens.ExpectOperator(",");
                if (tokens.SkipOperator(end)) break;
            }

            items.Add(read());
        }

        return items;
    }

    private KeyValuePair<Expression, Expression> ReadEntry(ExpressionParser expressions)
    {
        Expression key = expressions.Read();
        tokens.ExpectOperator(":");
        return KeyValuePair.Create(key, expressions.Read());
    }

    private Expression ReadSubscript(Expression target, ExpressionParser expressions, int line)
    {
        Expression? start = tokens.IsOperator(":") ? null : expressions.ReadTuple();
        if (start is not null && tokens.SkipOperator("]")) return new ItemExpression(target, start, line);
        tokens.ExpectOperator(":");
        Expression? stop = tokens.IsOperator(":") || tokens.IsOperator("]") ? null : expressions.Read();
        Expression? step = tokens.SkipOperator(":") && !tokens.IsOperator("]") ? expressions.Read() : null;
        tokens.ExpectOperator("]");
        return new SliceExpression(target, start, stop, step, line);
    }

    public ArgumentList ReadArguments(ExpressionParser expressions)
    {
        tokens.ExpectOperator("(");
        var named = new List<KeyValuePair<string, Expression>>();
        var positional = new List<Expression>();
        Expression? list = null, mapping = null;
        ReadList(")", () =>
        {
            if (tokens.SkipOperator("**")) mapping = mapping is null ? expressions.Read() : throw tokens.Fail("a call has two arguments with **");
            else if (mapping is not null) throw tokens.Fail("an argument stands after one with **");
            else if (tokens.SkipOperator("*")) list = list is null ? expressions.Read() : throw tokens.Fail("a call has two arguments with *");
            else if (tokens.Current.Kind == TokenKind.Name && tokens.Peek() is { Kind: TokenKind.Operator, Text: "=" })
            {
                string name = tokens.Next().Text;
                tokens.Next();
                named.Add(KeyValuePair.Create(name, expressions.Read()));
            }
            else if (named.Count > 0 || list is not null) throw tokens.Fail("an argument without a name stands after one with a name");
            else positional.Add(expressions.Read());
            return true;
        });
        return positional.Count + named.Count == 0 && list is null && mapping is null ? ArgumentList.Empty : new ArgumentList(positional, named) { List = list, Mapping = mapping };
    }

    private TestExpression ReadTest(Expression value, ExpressionParser expressions, int line)
    {
        bool negated = tokens.SkipName("not");
        Token name = tokens.Expect(TokenKind.Name, "the name of a test");
        ArgumentList arguments = tokens.IsOperator("(") ? ReadArguments(expressions)
            : StartsArgument() ? new ArgumentList([ReadWithPostfix(expressions)], [])
            : ArgumentList.Empty;
        return new TestExpression(value, name.Text, arguments, negated, line);
    }

    private bool StartsArgument() => tokens.Current switch
    {
        { Kind: TokenKind.Text or TokenKind.Integer or TokenKind.Float } => true,
        { Kind: TokenKind.Operator, Text: "[" or "{" } => true,
        { Kind: TokenKind.Name, Text: not ("if" or "else" or "and" or "or" or "is" or "in" or "not") } => true,
        _ => false,
    };
}
