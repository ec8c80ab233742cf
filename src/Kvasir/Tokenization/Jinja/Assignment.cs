namespace Kvasir.Tokenization.Jinja;

/// <summary>What a <c>set</c> or <c>for</c> gives values to: a name, an attribute of a namespace, or a list of targets.</summary>
internal abstract class Target
{
    public abstract void Assign(RenderContext context, object? value);
}

internal sealed class NameTarget(string name) : Target
{
    public override void Assign(RenderContext context, object? value) => context.Scope.Set(name, value);
}

internal sealed class NamespaceTarget(string name, string attribute) : Target
{
    public override void Assign(RenderContext context, object? value)
    {
        Namespace space = context.Scope.Get(name) as Namespace
            ?? throw new InvalidInputException($"cannot set '{name}.{attribute}': '{name}' is not a namespace");
        space.Set(attribute, value);
    }
}

internal sealed class TupleTarget(IReadOnlyList<Target> targets) : Target
{
    public override void Assign(RenderContext context, object? value)
    {
        if (value is Undefined undefined) throw undefined.Fail();
        IReadOnlyList<object?> items = Iteration.List(context, value);
        if (items.Count != targets.Count) throw new InvalidInputException($"{items.Count} values cannot be given to {targets.Count} names");
        for (int i = 0; i < items.Count; i++) targets[i].Assign(context, items[i]);
    }
}

/// <summary><c>{% set a = b %}</c>.</summary>
internal sealed class SetStatement(Target target, Expression value, int line) : Statement(line)
{
    protected override Flow Run(RenderContext context)
    {
        target.Assign(context, value.Evaluate(context));
        return Flow.Next;
    }
}

/// <summary><c>{% set a | f %}body{% endset %}</c>.</summary>
internal sealed class SetBlockStatement(Target target, IReadOnlyList<FilterStep> filters, Statement body, int line) : Statement(line)
{
    protected override Flow Run(RenderContext context)
    {
        Scope outer = context.Scope;
        context.Scope = new Scope(outer);
        object? value = context.Capture(body);
        context.Scope = outer;
        foreach (FilterStep filter in filters) value = filter.Apply(context, value);
        target.Assign(context, value);
        return Flow.Next;
    }
}
