namespace Kvasir.Tokenization.Jinja;

/// <summary>Reads expressions, weakest binding first: if-else, or, and, not, comparison, + -, ~, * / // %, **, sign, then filters and tests.</summary>
internal sealed class ExpressionParser(TokenReader tokens)
{
    private readonly PrimaryParser _primary = new(tokens);

    public Expression Read()
    {
        tokens.Enter();
        int line = tokens.Line;
        Expression value = ReadWithoutCondition();
        while (tokens.SkipName("if"))
        {
            Expression condition = ReadWithoutCondition();
            Expression? otherwise = tokens.SkipName("else") ? Read() : null;
            value = new ConditionalExpression(value, condition, otherwise, line);
        }

        tokens.Leave();
        return value;
    }

    /// <summary>An expression, or several with commas between them as a tuple.</summary>
    public Expression ReadTuple()
    {
        int line = tokens.Line;
        Expression first = Read();
        return tokens.IsOperator(",") ? ReadRest(first, Read, line) : first;
    }

    /// <summary>As <see cref="ReadTuple"/>, but an <c>if</c> is left standing: what a for runs over.</summary>
    public Expression ReadTupleWithoutCondition()
    {
        int line = tokens.Line;
        Expression first = ReadWithoutCondition();
        return tokens.IsOperator(",") ? ReadRest(first, ReadWithoutCondition, line) : first;
    }

    public Expression ReadWithoutCondition()
    {
        int line = tokens.Line;
        Expression left = ReadAnd();
        while (tokens.SkipName("or")) left = new LogicExpression(isAnd: false, left, ReadAnd(), line);
        return left;
    }

    public FilterStep ReadFilterStep() => _primary.ReadFilterStep(this);

    /// <summary>A call, as a call block needs it.</summary>
    public CallExpression ReadCall() => ReadUnary(withFilters: false) as CallExpression ?? throw tokens.Fail("a call block needs a call");

    private SequenceLiteral ReadRest(Expression first, Func<Expression> read, int line)
    {
        var items = new List<Expression> { first };
        while (tokens.SkipOperator(","))
        {
            if (tokens.Current.Kind is TokenKind.BlockEnd or TokenKind.PrintEnd || tokens.IsOperator(")") || tokens.IsOperator("=")) break;
            items.Add(read());
        }

        return new SequenceLiteral(items, SequenceKind.Tuple, line);
    }

    private Expression ReadAnd()
    {
        int line = tokens.Line;
        Expression left = ReadNot();
        while (tokens.SkipName("and")) left = new LogicExpression(isAnd: true, left, ReadNot(), line);
        return left;
    }

    private Expression ReadNot()
    {
        int line = tokens.Line;
        bool negated = false;
        bool any = false;
        while (tokens.IsName("not"))
        {
            tokens.Next();
            negated = !negated;
            any = true;
        }

        Expression value = ReadComparison();
        return !any ? value : negated ? new NotExpression(value, line) : new NotExpression(new NotExpression(value, line), line);
    }

    private Expression ReadComparison()
    {
        int line = tokens.Line;
        Expression first = ReadSum();
        var rest = new List<KeyValuePair<string, Expression>>();
        while (ReadComparisonOperator() is string operation) rest.Add(KeyValuePair.Create(operation, ReadSum()));
        return rest.Count == 0 ? first : new ComparisonExpression(first, rest, line);
    }

    private string? ReadComparisonOperator()
    {
        if (tokens.Current is { Kind: TokenKind.Operator, Text: "==" or "!=" or "<" or "<=" or ">" or ">=" }) return tokens.Next().Text;
        if (tokens.SkipName("in")) return "in";
        if (tokens.IsName("not") && tokens.Peek() is { Kind: TokenKind.Name, Text: "in" })
        {
            tokens.Next();
            tokens.Next();
            return "not in";
        }

        return null;
    }

    private Expression ReadSum()
    {
        int line = tokens.Line;
        Expression left = ReadConcatenation();
        while (tokens.IsOperator("+") || tokens.IsOperator("-"))
        {
            string operation = tokens.Next().Text;
            left = new ArithmeticExpression(operation, left, ReadConcatenation(), line);
        }

        return left;
    }

    private Expression ReadConcatenation()
    {
        int line = tokens.Line;
        var parts = new List<Expression> { ReadProduct() };
        while (tokens.SkipOperator("~")) parts.Add(ReadProduct());
        return parts.Count == 1 ? parts[0] : new ConcatenationExpression(parts, line);
    }

    private Expression ReadProduct()
    {
        int line = tokens.Line;
        Expression left = ReadPower();
        while (tokens.Current is { Kind: TokenKind.Operator, Text: "*" or "/" or "//" or "%" })
        {
            string operation = tokens.Next().Text;
            left = new ArithmeticExpression(operation, left, ReadPower(), line);
        }

        return left;
    }

    private Expression ReadPower()
    {
        int line = tokens.Line;
        Expression left = ReadUnary(withFilters: true);
        while (tokens.SkipOperator("**")) left = new ArithmeticExpression("**", left, ReadUnary(withFilters: true), line);
        return left;
    }

    private Expression ReadUnary(bool withFilters)
    {
        tokens.Enter();
        int line = tokens.Line;
        Expression value = tokens.SkipOperator("-") ? new SignExpression(negative: true, ReadUnary(withFilters: false), line)
            : tokens.SkipOperator("+") ? new SignExpression(negative: false, ReadUnary(withFilters: false), line)
            : _primary.Read(this);
        value = _primary.ReadPostfix(value, this);
        value = withFilters ? _primary.ReadFiltersAndTests(value, this) : value;
        tokens.Leave();
        return value;
    }
}
