namespace Kvasir.Tokenization.Jinja;

/// <summary>A variable.</summary>
internal sealed class NameExpression(string name, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context) => context.Scope.Get(name);
}

/// <summary><c>a.b</c>.</summary>
internal sealed class AttributeExpression(Expression target, string name, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context) => Lookup.Attribute(context, target.Evaluate(context), name);
}

/// <summary><c>a[b]</c>.</summary>
internal sealed class ItemExpression(Expression target, Expression key, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context) => Lookup.Item(context, target.Evaluate(context), key.Evaluate(context));
}

/// <summary><c>a[b:c:d]</c>.</summary>
internal sealed class SliceExpression(Expression target, Expression? start, Expression? stop, Expression? step, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context) =>
        Lookup.Slice(context, target.Evaluate(context), start?.Evaluate(context), stop?.Evaluate(context), step?.Evaluate(context));
}
