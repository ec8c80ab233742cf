namespace Kvasir.Tokenization.Jinja;

/// <summary>Reads literals, names, and what follows a value: attributes, items, slices, calls, filters and tests.</summary>
internal sealed class PrimaryParser(TokenReader tokens, ExpressionParser expressions)
{
    public Expression Read()
    {
        Token token = tokens.Next();
        return (token.Kind, token.Text) switch
        {
            (TokenKind.Name, _) => Named(token),
            (TokenKind.Text, _) => Literal(ReadAdjacentTexts(token.Text), token.Line),
            (TokenKind.Integer or TokenKind.Float, _) => Literal(NumberLiteral.Parse(token), token.Line),
            (TokenKind.Operator, "(") => ReadParentheses(token.Line),
            (TokenKind.Operator, "[") => SequenceOf(ReadList("]", expressions.Read), SequenceKind.List, token.Line),
            (TokenKind.Operator, "{") => MappingOf(ReadList("}", ReadEntry), token.Line),
            _ => throw TemplateError.At(token.Line, $"expected a value, found {token}"),
        };
    }

    public Expression ReadPostfix(Expression value)
    {
        while (true)
        {
            int line = tokens.Line;
            Expression target = value;
            if (tokens.Skip("[")) value = ReadSubscript(target, line);
            else if (tokens.Is("(")) value = ReadCall(target, line);
            else if (!tokens.Skip(".")) return value;
            else if (tokens.Current.Kind == TokenKind.Integer)
                value = Item(target, Literal(NumberLiteral.Parse(tokens.Next()), line), line);
            else
            {
                string name = tokens.Expect(TokenKind.Name, "a name after '.'").Text;
                value = new(line, c => Lookup.Attribute(c, target.Evaluate(c), name));
            }
        }
    }

    public Expression ReadFiltersAndTests(Expression value)
    {
        while (true)
        {
            int line = tokens.Line;
            if (tokens.Skip("|")) value = Filtered(value, ReadFilterStep(), line);
            else if (tokens.Skip("is")) value = ReadTest(value, line);
            else if (tokens.Is("(")) value = ReadCall(value, line);
            else return value;
        }
    }

    public FilterStep ReadFilterStep()
    {
        Token name = tokens.Expect(TokenKind.Name, "the name of a filter");
        return new FilterStep(name.Text, tokens.Is("(") ? ReadArguments() : ArgumentList.Empty);
    }

    public static Expression SequenceOf(List<Expression> items, SequenceKind kind, int line) =>
        new(line, c => new Sequence([.. items.Select(item => item.Evaluate(c))], kind));

    private static Expression Literal(object? value, int line) => new(line, _ => value);

    private static Expression Item(Expression target, Expression key, int line) =>
        new(line, c => Lookup.Item(c, target.Evaluate(c), key.Evaluate(c)));

    private static Expression Filtered(Expression target, FilterStep filter, int line) =>
        new(line, c => filter.Apply(c, target.Evaluate(c)));

    private static Expression MappingOf(List<KeyValuePair<Expression, Expression>> entries, int line) => new(line, c =>
    {
        var mapping = new Mapping();
        foreach ((Expression key, Expression value) in entries)
        {
            object? name = key.Evaluate(c);
            c.ChargeText(name);
            mapping.Set(name, value.Evaluate(c));
        }

        return mapping;
    });

    private static Expression Named(Token token) => token.Text switch
    {
        "true" or "True" => Literal(true, token.Line),
        "false" or "False" => Literal(false, token.Line),
        "none" or "None" => Literal(null, token.Line),
        string name => new(token.Line, c => c.Scope.Get(name)),
    };

    private string ReadAdjacentTexts(string first)
    {
        var parts = new List<string> { first };
        while (tokens.Current.Kind == TokenKind.Text) parts.Add(tokens.Next().Text);
        return string.Concat(parts);
    }

    private Expression ReadParentheses(int line)
    {
        if (tokens.Skip(")")) return SequenceOf([], SequenceKind.Tuple, line);
        Expression value = expressions.ReadTuple();
        tokens.Expect(")");
        return value;
    }

    private List<T> ReadList<T>(string end, Func<T> read)
    {
        var items = new List<T>();
        while (!tokens.Skip(end))
        {
            if (items.Count > 0)
            {
                tokens.Expect(",");
                if (tokens.Skip(end)) break;
            }

            items.Add(read());
        }

        return items;
    }

    private KeyValuePair<Expression, Expression> ReadEntry()
    {
        Expression key = expressions.Read();
        tokens.Expect(":");
        return KeyValuePair.Create(key, expressions.Read());
    }

    private Expression ReadSubscript(Expression target, int line)
    {
        Expression? start = tokens.Is(":") ? null : expressions.ReadTuple();
        if (start is not null && tokens.Skip("]")) return Item(target, start, line);
        tokens.Expect(":");
        Expression? stop = tokens.Is(":") || tokens.Is("]") ? null : expressions.Read();
        Expression? step = tokens.Skip(":") && !tokens.Is("]") ? expressions.Read() : null;
        tokens.Expect("]");
        return new(line, c => Lookup.Slice(c, target.Evaluate(c), start?.Evaluate(c), stop?.Evaluate(c), step?.Evaluate(c)));
    }

    private Expression ReadCall(Expression target, int line)
    {
        ArgumentList arguments = ReadArguments();
        return new(line, c => Callable.Apply(c, target.Evaluate(c), arguments.Evaluate(c))) { Call = (target, arguments) };
    }

    private ArgumentList ReadArguments()
    {
        var list = new ArgumentList();
        tokens.Expect("(");
        int count = ReadList(")", () => ReadArgument(list)).Count;
        return count == 0 ? ArgumentList.Empty : list;
    }

    private Expression ReadArgument(ArgumentList list)
    {
        if (tokens.Skip("**"))
            return list.Mapping = list.Mapping is null ? expressions.Read() : throw tokens.Fail("a call has two arguments with **");
        if (list.Mapping is not null) throw tokens.Fail("an argument stands after one with **");
        if (tokens.Skip("*"))
            return list.List = list.List is null ? expressions.Read() : throw tokens.Fail("a call has two arguments with *");
        Expression value;
        if (tokens.Current.Kind == TokenKind.Name && tokens.Peek() is { Kind: TokenKind.Operator, Text: "=" })
        {
            string name = tokens.Next().Text;
            tokens.Next();
            list.Named.Add(KeyValuePair.Create(name, value = expressions.Read()));
            return value;
        }

        if (list.Named.Count > 0 || list.List is not null) throw tokens.Fail("an argument without a name stands after one with a name");
        list.Positional.Add(value = expressions.Read());
        return value;
    }

    /// <summary><c>a is t(b)</c>, <c>a is not t</c>.</summary>
    private Expression ReadTest(Expression value, int line)
    {
        bool negated = tokens.Skip("not");
        string name = tokens.Expect(TokenKind.Name, "the name of a test").Text;
        ArgumentList arguments = ArgumentList.Empty;
        if (tokens.Is("(")) arguments = ReadArguments();
        else if (StartsArgument()) arguments = new ArgumentList { Positional = { ReadPostfix(Read()) } };
        return new(line, c => Operations.IsTrue(Tests.Table.Require(name).Invoke(c, value.Evaluate(c), arguments.Evaluate(c))) != negated);
    }

    private bool StartsArgument() => tokens.Current switch
    {
        { Kind: TokenKind.Text or TokenKind.Integer or TokenKind.Float } => true,
        { Kind: TokenKind.Operator, Text: "[" or "{" } => true,
        { Kind: TokenKind.Name, Text: not ("if" or "else" or "and" or "or" or "is" or "in" or "not") } => true,
        _ => false,
    };
}
