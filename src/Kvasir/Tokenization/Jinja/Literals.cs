namespace Kvasir.Tokenization.Jinja;

/// <summary>A string, number, boolean or None.</summary>
internal sealed class Literal(object? value, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context) => value;
}

/// <summary><c>[a, b]</c> or <c>(a, b)</c>.</summary>
internal sealed class SequenceLiteral(IReadOnlyList<Expression> items, SequenceKind kind, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context)
    {
        var values = new object?[items.Count];
        for (int i = 0; i < values.Length; i++) values[i] = items[i].Evaluate(context);
        return new Sequence(values, kind);
    }
}

/// <summary><c>{'a': b}</c>.</summary>
internal sealed class MappingLiteral(IReadOnlyList<KeyValuePair<Expression, Expression>> entries, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context)
    {
        var mapping = new Mapping();
        foreach ((Expression key, Expression value) in entries)
        {
            object? name = key.Evaluate(context);
            context.ChargeText(name);
            mapping.Set(name, value.Evaluate(context));
        }

        return mapping;
    }
}
