namespace Kvasir.Tokenization.Jinja;

/// <summary>The arguments of a call as written; stars spread a list into positional and a dictionary into named ones.</summary>
internal sealed record ArgumentList(IReadOnlyList<Expression> Positional, IReadOnlyList<KeyValuePair<string, Expression>> Named)
{
    public static readonly ArgumentList Empty = new([], []);

    /// <summary>What stands after <c>*</c>.</summary>
    public Expression? List { get; init; }

    /// <summary>What stands after <c>**</c>.</summary>
    public Expression? Mapping { get; init; }

    public Arguments Evaluate(RenderContext context)
    {
        if (ReferenceEquals(this, Empty)) return Arguments.None;
        List<object?> positional = [.. Positional.Select(value => value.Evaluate(context))];
        if (List is not null) positional.AddRange(Iteration.List(context, List.Evaluate(context)));
        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach ((string name, Expression value) in Named) named[name] = value.Evaluate(context);
        if (Mapping is not null)
        {
            Mapping entries = Mapping.Evaluate(context) as Mapping ?? throw new InvalidInputException("what stands after ** in a call must be a dictionary");
            context.ChargeItems(entries.Count);
            foreach ((object? name, object? value) in entries.Entries) named[name as string ?? throw new InvalidInputException("names of arguments must be strings")] = value;
        }

        return new Arguments(positional, named);
    }
}

/// <summary><c>f(a, b=c)</c>.</summary>
internal sealed class CallExpression(Expression target, ArgumentList arguments, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context) => Apply(context, target.Evaluate(context), arguments.Evaluate(context));

    public static object? Apply(RenderContext context, object? target, Arguments arguments) => target switch
    {
        Callable callable => callable.Call(context, arguments),
        Undefined undefined => throw undefined.Fail(),
        _ => throw new InvalidInputException($"{Operations.TypeName(target)} cannot be called"),
    };

    /// <summary>Calls with <paramref name="caller"/> as one more named argument.</summary>
    public string CallWith(RenderContext context, Callable caller)
    {
        object? function = target.Evaluate(context);
        Arguments given = arguments.Evaluate(context);
        var named = new Dictionary<string, object?>(given.Named, StringComparer.Ordinal) { ["caller"] = caller };
        return Representation.Text(context, Apply(context, function, given with { Named = named }));
    }
}

/// <summary>A filter with its arguments, to be applied to a value.</summary>
internal sealed record FilterStep(string Name, ArgumentList Arguments)
{
    public object? Apply(RenderContext context, object? value) => Filters.Table.Require(Name).Invoke(context, value, Arguments.Evaluate(context));
}

/// <summary><c>a|f(b)</c>.</summary>
internal sealed class FilterExpression(Expression target, FilterStep filter, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context) => filter.Apply(context, target.Evaluate(context));
}

/// <summary><c>a is t(b)</c>, <c>a is not t</c>.</summary>
internal sealed class TestExpression(Expression target, string name, ArgumentList arguments, bool negated, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context) =>
        Operations.IsTrue(Tests.Table.Require(name).Invoke(context, target.Evaluate(context), arguments.Evaluate(context))) != negated;
}
