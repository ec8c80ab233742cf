namespace Kvasir.Tokenization.Jinja;

/// <summary>Reads expressions. Weakest first: if-else, or, and, not, comparison, + -, ~, * / // %, **, sign, filters and tests.</summary>
internal sealed class ExpressionParser
{
    private readonly TokenReader _tokens;
    private readonly PrimaryParser _primary;

    public ExpressionParser(TokenReader tokens) => (_tokens, _primary) = (tokens, new PrimaryParser(tokens, this));

    public Expression Read()
    {
        _tokens.Enter();
        int line = _tokens.Line;
        Expression value = ReadWithoutCondition();
        while (_tokens.Skip("if"))
        {
            Expression chosen = value, condition = ReadWithoutCondition();
            Expression? otherwise = _tokens.Skip("else") ? Read() : null;
            value = new(line, c => Operations.IsTrue(condition.Evaluate(c)) ? chosen.Evaluate(c)
                : otherwise is null ? new Undefined("an inline if without else gave no value")
                : otherwise.Evaluate(c));
        }

        _tokens.Leave();
        return value;
    }

    /// <summary>An expression, or several with commas between them as a tuple.</summary>
    public Expression ReadTuple() => ReadTuple(Read);

    /// <summary>As <see cref="ReadTuple()"/>, but an <c>if</c> is left standing: what a for runs over.</summary>
    public Expression ReadTupleWithoutCondition() => ReadTuple(ReadWithoutCondition);

    public FilterStep ReadFilterStep() => _primary.ReadFilterStep();

    /// <summary>What is called with which arguments, as a call block needs it.</summary>
    public (Expression Target, ArgumentList Arguments) ReadCall() =>
        ReadUnary(withFilters: false).Call ?? throw _tokens.Fail("a call block needs a call");

    private Expression ReadTuple(Func<Expression> read)
    {
        int line = _tokens.Line;
        var items = new List<Expression> { read() };
        if (!_tokens.Is(",")) return items[0];
        while (_tokens.Skip(","))
        {
            if (_tokens.Current.Kind is TokenKind.BlockEnd or TokenKind.PrintEnd || _tokens.Is(")") || _tokens.Is("=")) break;
            items.Add(read());
        }

        return PrimaryParser.SequenceOf(items, SequenceKind.Tuple, line);
    }

    private Expression ReadWithoutCondition() => ReadLogic("or", () => ReadLogic("and", ReadNot, isAnd: true), isAnd: false);

    /// <summary><c>a and b</c>, <c>a or b</c>: the operand that decides.</summary>
    private Expression ReadLogic(string name, Func<Expression> operand, bool isAnd)
    {
        int line = _tokens.Line;
        Expression value = operand();
        while (_tokens.Skip(name))
        {
            Expression left = value, right = operand();
            value = new(line, c => left.Evaluate(c) is var decider && Operations.IsTrue(decider) == isAnd ? right.Evaluate(c) : decider);
        }

        return value;
    }

    private Expression ReadNot()
    {
        int line = _tokens.Line, count = 0;
        while (_tokens.Skip("not")) count++;
        Expression value = ReadComparison();
        return count == 0 ? value : new(line, c => Operations.IsTrue(value.Evaluate(c)) == (count % 2 == 0));
    }

    /// <summary><c>a &lt; b &lt;= c</c>, <c>a in b</c>: true where every neighbouring pair compares so.</summary>
    private Expression ReadComparison()
    {
        int line = _tokens.Line;
        Expression first = ReadSum();
        var rest = new List<KeyValuePair<string, Expression>>();
        while (ReadComparisonOperator() is string operation) rest.Add(KeyValuePair.Create(operation, ReadSum()));
        return rest.Count == 0 ? first : new(line, c =>
        {
            object? left = first.Evaluate(c);
            foreach ((string operation, Expression operand) in rest)
            {
                object? right = operand.Evaluate(c);
                if (!Operations.Holds(c, operation, left, right)) return false;
                left = right;
            }

            return true;
        });
    }

    private string? ReadComparisonOperator()
    {
        if (_tokens.Current is { Kind: TokenKind.Operator, Text: "==" or "!=" or "<" or "<=" or ">" or ">=" }) return _tokens.Next().Text;
        if (_tokens.Skip("in")) return "in";
        if (!_tokens.Is("not") || _tokens.Peek() is not { Kind: TokenKind.Name, Text: "in" }) return null;
        _tokens.Next();
        _tokens.Next();
        return "not in";
    }

    private Expression ReadSum() => ReadArithmetic(ReadConcatenation, "+", "-");

    private Expression ReadProduct() => ReadArithmetic(ReadPower, "*", "/", "//", "%");

    private Expression ReadPower() => ReadArithmetic(() => ReadUnary(withFilters: true), "**");

    private Expression ReadArithmetic(Func<Expression> operand, params string[] operations)
    {
        int line = _tokens.Line;
        Expression value = operand();
        while (_tokens.Current.Kind == TokenKind.Operator && operations.Contains(_tokens.Current.Text))
        {
            string operation = _tokens.Next().Text;
            Expression left = value, right = operand();
            value = new(line, c => Arithmetic.Apply(c, operation, left.Evaluate(c), right.Evaluate(c)));
        }

        return value;
    }

    /// <summary><c>a ~ b ~ c</c>: the texts of all, joined.</summary>
    private Expression ReadConcatenation()
    {
        int line = _tokens.Line;
        var parts = new List<Expression> { ReadProduct() };
        while (_tokens.Skip("~")) parts.Add(ReadProduct());
        return parts.Count == 1
            ? parts[0]
            : new(line, c => c.Text(StringMethods.Joined(c, "", parts.Select(part => Representation.Text(c, part.Evaluate(c))))));
    }

    private Expression ReadUnary(bool withFilters)
    {
        _tokens.Enter();
        Expression value = _tokens.Is("-") || _tokens.Is("+") ? ReadSigned() : _primary.Read();
        value = _primary.ReadPostfix(value);
        value = withFilters ? _primary.ReadFiltersAndTests(value) : value;
        _tokens.Leave();
        return value;
    }

    private Expression ReadSigned()
    {
        int line = _tokens.Line;
        bool negative = _tokens.Next().Text == "-";
        Expression operand = ReadUnary(withFilters: false);
        return new(line, c => Arithmetic.Negate(operand.Evaluate(c)) is var negated && negative ? negated : Arithmetic.Negate(negated));
    }
}
