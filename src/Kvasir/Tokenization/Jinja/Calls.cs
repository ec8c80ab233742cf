namespace Kvasir.Tokenization.Jinja;

/// <summary>The arguments of a call as written.</summary>
internal sealed record ArgumentList(IReadOnlyList<Expression> Positional, IReadOnlyList<KeyValuePair<string, Expression>> Named)
{
    public static readonly ArgumentList Empty = new([], []);

    public Arguments Evaluate(RenderContext context)
    {
        if (Positional.Count + Named.Count == 0)
        {
            return Arguments.None;
        }

        var positional = new object?[Positional.Count];
        for (int i = 0; i < positional.Length; i++)
        {
            positional[i] = Positional[i].Evaluate(context);
        }

        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach ((string name, Expression value) in Named)
        {
            named[name] = value.Evaluate(context);
        }

        return new Arguments(positional, named);
    }
}

/// <summary><c>f(a, b=c)</c>.</summary>
internal sealed class CallExpression(Expression target, ArgumentList arguments, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context) => target.Evaluate(context) switch
    {
        Callable callable => callable.Call(context, arguments.Evaluate(context)),
        Undefined undefined => throw undefined.Fail(),
        var other => throw new InvalidInputException($"{Operations.TypeName(other)} cannot be called"),
    };
}

/// <summary>A filter with its arguments, to be applied to a value.</summary>
internal sealed record FilterStep(string Name, ArgumentList Arguments)
{
    public object? Apply(RenderContext context, object? value) => Filters.Apply(context, Name, value, Arguments.Evaluate(context));
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
        Tests.Holds(context, name, target.Evaluate(context), arguments.Evaluate(context)) != negated;
}
