namespace Kvasir.Tokenization.Jinja;

/// <summary>Reads the statements of a template.</summary>
internal sealed class Parser
{
    private readonly TokenReader _tokens;
    private readonly ExpressionParser _expressions;
    private int _loops;

    private Parser(IReadOnlyList<Token> tokens)
    {
        _tokens = new TokenReader(tokens);
        _expressions = new ExpressionParser(_tokens);
    }

    /// <summary>The template as one block.</summary>
    /// <exception cref="InvalidInputException">A syntax error, with its line.</exception>
    public static Statement Parse(string source) => new Parser(Lexer.Read(source)).ReadBody();

    /// <summary>Statements up to a tag that begins with one of <paramref name="ends"/>, whose name is then the current token; up to the end of the template where none is given.</summary>
    private Block ReadBody(params ReadOnlySpan<string> ends)
    {
        _tokens.Enter();
        int line = _tokens.Line;
        var statements = new List<Statement>();
        while (true)
        {
            Token token = _tokens.Next();
            if (token.Kind == TokenKind.Data) statements.Add(new TextStatement(token.Text, token.Line));
            else if (token.Kind == TokenKind.PrintBegin)
            {
                statements.Add(new PrintStatement(_expressions.ReadTuple(), token.Line));
                _tokens.Expect(TokenKind.PrintEnd, "'}}'");
            }
            else if (token.Kind == TokenKind.End)
            {
                _tokens.Leave();
                return ends.IsEmpty ? new Block(statements, line) : throw TemplateError.At(line, $"a block is never closed with '{ends[^1]}'");
            }
            else if (_tokens.Current.Kind == TokenKind.Name && ends.Contains(_tokens.Current.Text))
            {
                _tokens.Leave();
                return new Block(statements, line);
            }
            else statements.Add(ReadStatement());
        }
    }

    private Statement ReadStatement()
    {
        Token name = _tokens.Expect(TokenKind.Name, "the name of a tag");
        Statement statement = name.Text switch
        {
            "for" => ReadFor(name.Line),
            "if" => ReadIf(name.Line),
            "set" => ReadSet(name.Line),
            "macro" => ReadMacro(name.Line),
            "call" => ReadCall(name.Line),
            "print" => new PrintStatement(_expressions.ReadTuple(), name.Line),
            "break" => ReadLoopControl(Flow.Break, name),
            "continue" => ReadLoopControl(Flow.Continue, name),
            "generation" => ReadScoped([], "endgeneration", name.Line),
            "with" => ReadWith(name.Line),
            "filter" => ReadFilter(name.Line),
            "include" or "import" or "from" or "extends" or "block" => throw TemplateError.At(name.Line, $"the tag '{name.Text}' needs other templates, and a chat template has none beside it"),
            _ => throw TemplateError.At(name.Line, $"the tag '{name.Text}' is not known here"),
        };
        EndTag();
        return statement;
    }

    private void EndTag() => _tokens.Expect(TokenKind.BlockEnd, "'%}'");

    /// <summary>The body after the current tag, whose end it skips, and the closing tag's name.</summary>
    private Block ReadClosedBody(string end)
    {
        EndTag();
        Block body = ReadBody(end);
        _tokens.Next();
        return body;
    }

    private LoopControlStatement ReadLoopControl(Flow flow, Token name) =>
        _loops > 0 ? new LoopControlStatement(flow, name.Line) : throw TemplateError.At(name.Line, $"'{name.Text}' stands outside a for loop");

    private ForStatement ReadFor(int line)
    {
        Target target = ReadTargets();
        if (!_tokens.SkipName("in")) throw _tokens.Fail($"expected 'in', found {_tokens.Current}");
        Expression items = _expressions.ReadTupleWithoutCondition();
        Expression? filter = _tokens.SkipName("if") ? _expressions.Read() : null;
        bool recursive = _tokens.SkipName("recursive");
        EndTag();
        _loops++;
        Block body = ReadBody("else", "endfor");
        _loops--;
        Block? otherwise = _tokens.Next().Text == "else" ? ReadClosedBody("endfor") : null;
        return new ForStatement(target, items, line) { Filter = filter, Recursive = recursive, Body = body, Otherwise = otherwise };
    }

    private IfStatement ReadIf(int line)
    {
        var branches = new List<KeyValuePair<Expression, Statement>>();
        string end;
        do
        {
            Expression condition = _expressions.ReadTuple();
            EndTag();
            branches.Add(KeyValuePair.Create<Expression, Statement>(condition, ReadBody("elif", "else", "endif")));
            end = _tokens.Next().Text;
        }
        while (end == "elif");
        return new IfStatement(branches, end == "else" ? ReadClosedBody("endif") : null, line);
    }

    private Statement ReadSet(int line)
    {
        Target target = ReadTargets();
        if (_tokens.SkipOperator("=")) return new SetStatement(target, _expressions.ReadTuple(), line);
        List<FilterStep> filters = ReadFilterSteps();
        return new SetBlockStatement(target, filters, ReadDetached("endset"), line);
    }

    private List<FilterStep> ReadFilterSteps()
    {
        var filters = new List<FilterStep>();
        while (_tokens.SkipOperator("|")) filters.Add(_expressions.ReadFilterStep());
        return filters;
    }

    /// <summary>A body that a break or continue cannot leave.</summary>
    private Block ReadDetached(string end)
    {
        int loops = _loops;
        _loops = 0;
        Block body = ReadClosedBody(end);
        _loops = loops;
        return body;
    }

    private FilterStatement ReadFilter(int line)
    {
        List<FilterStep> filters = [_expressions.ReadFilterStep(), .. ReadFilterSteps()];
        return new FilterStatement(filters, ReadDetached("endfilter"), line);
    }

    private ScopedStatement ReadWith(int line)
    {
        var variables = new List<KeyValuePair<string, Expression>>();
        while (_tokens.Current.Kind == TokenKind.Name)
        {
            string name = _tokens.Next().Text;
            _tokens.ExpectOperator("=");
            variables.Add(KeyValuePair.Create(name, _expressions.Read()));
            _tokens.SkipOperator(",");
        }

        return ReadScoped(variables, "endwith", line);
    }

    private ScopedStatement ReadScoped(List<KeyValuePair<string, Expression>> variables, string end, int line) =>
        new(variables, ReadClosedBody(end), line);

    private MacroStatement ReadMacro(int line)
    {
        string name = _tokens.Expect(TokenKind.Name, "the name of a macro").Text;
        return new MacroStatement(ReadDefinition(name, ReadParameters(), "endmacro"), line);
    }

    private CallStatement ReadCall(int line)
    {
        List<MacroParameter> parameters = _tokens.IsOperator("(") ? ReadParameters() : [];
        return new CallStatement(_expressions.ReadCall(), ReadDefinition("caller", parameters, "endcall"), line);
    }

    private MacroDefinition ReadDefinition(string name, List<MacroParameter> parameters, string end)
    {
        int start = _tokens.Position;
        Block body = ReadDetached(end);
        return new MacroDefinition(name, parameters, body, _tokens.NamesSince(start, "varargs", "kwargs", "caller"));
    }

    private List<MacroParameter> ReadParameters()
    {
        _tokens.ExpectOperator("(");
        var parameters = new List<MacroParameter>();
        while (!_tokens.SkipOperator(")"))
        {
            if (parameters.Count > 0) _tokens.ExpectOperator(",");
            string parameter = _tokens.Expect(TokenKind.Name, "the name of a parameter").Text;
            Expression? fallback = _tokens.SkipOperator("=") ? _expressions.Read() : null;
            if (fallback is null && parameters is [.., { Default: not null }])
                throw _tokens.Fail($"the parameter '{parameter}' needs a default, as the one before it has");

            parameters.Add(new MacroParameter(parameter, fallback));
        }

        return parameters;
    }

    private Target ReadTargets()
    {
        var targets = new List<Target> { ReadTarget() };
        bool isTuple = false;
        while (_tokens.SkipOperator(","))
        {
            isTuple = true;
            if (_tokens.Current.Kind != TokenKind.Name && !_tokens.IsOperator("(")) break;
            targets.Add(ReadTarget());
        }

        return isTuple ? new TupleTarget(targets) : targets[0];
    }

    private Target ReadTarget()
    {
        if (_tokens.SkipOperator("("))
        {
            _tokens.Enter();
            Target inner = ReadTargets();
            _tokens.ExpectOperator(")");
            _tokens.Leave();
            return inner;
        }

        Token name = _tokens.Expect(TokenKind.Name, "a name to set");
        if (name.Text is "true" or "false" or "none" or "True" or "False" or "None")
            throw TemplateError.At(name.Line, $"'{name.Text}' cannot be set");

        return _tokens.SkipOperator(".")
            ? new NamespaceTarget(name.Text, _tokens.Expect(TokenKind.Name, "a name after '.'").Text)
            : new NameTarget(name.Text);
    }
}
