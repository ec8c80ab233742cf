namespace Kvasir.Tokenization.Jinja;

/// <summary>Reads the statements of a template.</summary>
internal sealed class Parser(TokenReader tokens)
{
    private readonly ExpressionParser _expressions = new(tokens);
    private int _loops;

    /// <summary>The template as one block.</summary>
    /// <exception cref="InvalidInputException">A syntax error, with its line.</exception>
    public static Statement Parse(string source) => new Parser(new TokenReader(Lexer.Read(source))).ReadBody();

    /// <summary>
    /// Statements up to a tag that begins with one of <paramref name="ends"/>, whose name is then the current token;
    /// up to the end of the template where none is given.
    /// </summary>
    private Statement ReadBody(params ReadOnlySpan<string> ends)
    {
        tokens.Enter();
        int line = tokens.Line;
        var statements = new List<Statement>();
        while (true)
        {
            Token token = tokens.Next();
            if (token.Kind == TokenKind.Data) statements.Add(Statement.Of(token.Line, c => c.Write(token.Text)));
            else if (token.Kind == TokenKind.PrintBegin)
            {
                statements.Add(ReadPrint(token.Line));
                tokens.Expect(TokenKind.PrintEnd, "'}}'");
            }
            else if (token.Kind == TokenKind.End)
            {
                tokens.Leave();
                return ends.IsEmpty
                    ? Statement.Block(line, statements)
                    : throw TemplateError.At(line, $"a block is never closed with '{ends[^1]}'");
            }
            else if (tokens.Current.Kind == TokenKind.Name && ends.Contains(tokens.Current.Text))
            {
                tokens.Leave();
                return Statement.Block(line, statements);
            }
            else statements.Add(ReadStatement());
        }
    }

    private Statement ReadStatement()
    {
        Token name = tokens.Expect(TokenKind.Name, "the name of a tag");
        Statement statement = name.Text switch
        {
            "for" => ReadFor(name.Line),
            "if" => ReadIf(name.Line),
            "set" => ReadSet(name.Line),
            "macro" => ReadMacro(name.Line),
            "call" => ReadCall(name.Line),
            "print" => ReadPrint(name.Line),
            "break" => ReadLoopControl(Flow.Break, name),
            "continue" => ReadLoopControl(Flow.Continue, name),
            "generation" => ReadScoped([], "endgeneration", name.Line),
            "with" => ReadWith(name.Line),
            "filter" => ReadFilter(name.Line),
            "include" or "import" or "from" or "extends" or "block" =>
                throw TemplateError.At(name.Line, $"the tag '{name.Text}' needs other templates, and a chat template has none beside it"),
            _ => throw TemplateError.At(name.Line, $"the tag '{name.Text}' is not known here"),
        };
        EndTag();
        return statement;
    }

    private void EndTag() => tokens.Expect(TokenKind.BlockEnd, "'%}'");

    private Statement ReadPrint(int line)
    {
        Expression value = _expressions.ReadTuple();
        return Statement.Of(line, c => c.Write(Representation.Text(c, value.Evaluate(c))));
    }

    /// <summary>The body after the current tag, whose end it skips, and the closing tag's name.</summary>
    private Statement ReadClosedBody(string end)
    {
        EndTag();
        Statement body = ReadBody(end);
        tokens.Next();
        return body;
    }

    private Statement ReadLoopControl(Flow flow, Token name) =>
        _loops > 0 ? new Statement(name.Line, _ => flow) : throw TemplateError.At(name.Line, $"'{name.Text}' stands outside a for loop");

    private Statement ReadFor(int line)
    {
        Action<RenderContext, object?> assign = ReadTargets();
        tokens.Expect("in");
        Expression items = _expressions.ReadTupleWithoutCondition();
        Expression? filter = tokens.Skip("if") ? _expressions.Read() : null;
        bool recursive = tokens.Skip("recursive");
        EndTag();
        _loops++;
        Statement body = ReadBody("else", "endfor");
        _loops--;
        Statement? otherwise = tokens.Next().Text == "else" ? ReadClosedBody("endfor") : null;
        var loop = new ForLoop
        {
            Line = line,
            Assign = assign,
            Items = items,
            Filter = filter,
            Recursive = recursive,
            Body = body,
            Otherwise = otherwise,
        };
        return Statement.Of(line, loop.Run);
    }

    private Statement ReadIf(int line)
    {
        var branches = new List<KeyValuePair<Expression, Statement>>();
        string end;
        do
        {
            Expression condition = _expressions.ReadTuple();
            EndTag();
            branches.Add(KeyValuePair.Create(condition, ReadBody("elif", "else", "endif")));
            end = tokens.Next().Text;
        }
        while (end == "elif");
        Statement? otherwise = end == "else" ? ReadClosedBody("endif") : null;
        return new Statement(line, c =>
        {
            foreach ((Expression condition, Statement body) in branches)
            {
                if (Operations.IsTrue(condition.Evaluate(c))) return body.Execute(c);
            }

            return otherwise?.Execute(c) ?? Flow.Next;
        });
    }

    private Statement ReadSet(int line)
    {
        Action<RenderContext, object?> assign = ReadTargets();
        if (tokens.Skip("="))
        {
            Expression value = _expressions.ReadTuple();
            return Statement.Of(line, c => assign(c, value.Evaluate(c)));
        }

        List<FilterStep> filters = ReadFilterSteps();
        Statement body = ReadDetached("endset");
        return Statement.Of(line, c => assign(c, Filtered(c, filters, Captured(c, body))));
    }

    private List<FilterStep> ReadFilterSteps()
    {
        var filters = new List<FilterStep>();
        while (tokens.Skip("|")) filters.Add(_expressions.ReadFilterStep());
        return filters;
    }

    /// <summary>What a body writes; its variables are not seen outside.</summary>
    private static string Captured(RenderContext context, Statement body) =>
        context.InScope(new Scope(context.Scope), () => context.Capture(body));

    private static object? Filtered(RenderContext context, List<FilterStep> filters, object? value) =>
        filters.Aggregate(value, (result, filter) => filter.Apply(context, result));

    /// <summary>A body that a break or continue cannot leave.</summary>
    private Statement ReadDetached(string end)
    {
        int loops = _loops;
        _loops = 0;
        Statement body = ReadClosedBody(end);
        _loops = loops;
        return body;
    }

    private Statement ReadFilter(int line)
    {
        List<FilterStep> filters = [_expressions.ReadFilterStep(), .. ReadFilterSteps()];
        Statement body = ReadDetached("endfilter");
        return Statement.Of(line, c => c.Write(Representation.Text(c, Filtered(c, filters, Captured(c, body)))));
    }

    private Statement ReadWith(int line)
    {
        var variables = new List<KeyValuePair<string, Expression>>();
        while (tokens.Current.Kind == TokenKind.Name)
        {
            string name = tokens.Next().Text;
            tokens.Expect("=");
            variables.Add(KeyValuePair.Create(name, _expressions.Read()));
            tokens.Skip(",");
        }

        return ReadScoped(variables, "endwith", line);
    }

    /// <summary>A body whose variables are not seen outside.</summary>
    private Statement ReadScoped(List<KeyValuePair<string, Expression>> variables, string end, int line)
    {
        Statement body = ReadClosedBody(end);
        return new Statement(line, c =>
        {
            var inner = new Scope(c.Scope);
            foreach ((string name, Expression value) in variables) inner.Set(name, value.Evaluate(c));
            return c.InScope(inner, () => body.Execute(c));
        });
    }

    private Statement ReadMacro(int line)
    {
        string name = tokens.Expect(TokenKind.Name, "the name of a macro").Text;
        MacroDefinition definition = ReadDefinition(name, ReadParameters(), "endmacro");
        return Statement.Of(line, c => c.Scope.Set(name, new Macro(definition, c.Scope)));
    }

    /// <summary><c>{% call(a) f(b) %}body{% endcall %}</c>: writes what f gives when its <c>caller(a)</c> is the body.</summary>
    private Statement ReadCall(int line)
    {
        List<MacroParameter> parameters = tokens.Is("(") ? ReadParameters() : [];
        (Expression target, ArgumentList arguments) = _expressions.ReadCall();
        MacroDefinition body = ReadDefinition("caller", parameters, "endcall");
        return Statement.Of(line, c =>
        {
            object? function = target.Evaluate(c);
            Arguments given = arguments.Evaluate(c).With("caller", new Macro(body, c.Scope));
            c.Write(Representation.Text(c, Callable.Apply(c, function, given)));
        });
    }

    private MacroDefinition ReadDefinition(string name, List<MacroParameter> parameters, string end)
    {
        int start = tokens.Position;
        Statement body = ReadDetached(end);
        return new MacroDefinition(name, parameters, body, tokens.NamesSince(start, "varargs", "kwargs", "caller"));
    }

    private List<MacroParameter> ReadParameters()
    {
        tokens.Expect("(");
        var parameters = new List<MacroParameter>();
        while (!tokens.Skip(")"))
        {
            if (parameters.Count > 0) tokens.Expect(",");
            string parameter = tokens.Expect(TokenKind.Name, "the name of a parameter").Text;
            Expression? fallback = tokens.Skip("=") ? _expressions.Read() : null;
            if (fallback is null && parameters is [.., { Default: not null }])
                throw tokens.Fail($"the parameter '{parameter}' needs a default, as the one before it has");

            parameters.Add(new MacroParameter(parameter, fallback));
        }

        return parameters;
    }

    /// <summary>What a <c>set</c> or <c>for</c> gives values to: a name, an attribute of a namespace, or several of these.</summary>
    private Action<RenderContext, object?> ReadTargets()
    {
        var targets = new List<Action<RenderContext, object?>> { ReadTarget() };
        if (!tokens.Is(",")) return targets[0];
        while (tokens.Skip(",") && (tokens.Current.Kind == TokenKind.Name || tokens.Is("("))) targets.Add(ReadTarget());
        return (context, value) =>
        {
            if (value is Undefined undefined) throw undefined.Fail();
            IReadOnlyList<object?> items = Iteration.List(context, value);
            if (items.Count != targets.Count)
                throw new InvalidInputException($"{items.Count} values cannot be given to {targets.Count} names");
            for (int i = 0; i < items.Count; i++) targets[i](context, items[i]);
        };
    }

    private Action<RenderContext, object?> ReadTarget()
    {
        if (tokens.Skip("("))
        {
            tokens.Enter();
            Action<RenderContext, object?> inner = ReadTargets();
            tokens.Expect(")");
            tokens.Leave();
            return inner;
        }

        Token name = tokens.Expect(TokenKind.Name, "a name to set");
        if (name.Text is "true" or "false" or "none" or "True" or "False" or "None")
            throw TemplateError.At(name.Line, $"'{name.Text}' cannot be set");

        if (!tokens.Skip(".")) return (context, value) => context.Scope.Set(name.Text, value);
        string attribute = tokens.Expect(TokenKind.Name, "a name after '.'").Text;
        return (context, value) =>
        {
            Namespace space = context.Scope.Get(name.Text) as Namespace
                ?? throw new InvalidInputException($"cannot set '{name.Text}.{attribute}': '{name.Text}' is not a namespace");
            space.Set(attribute, value);
        };
    }
}
