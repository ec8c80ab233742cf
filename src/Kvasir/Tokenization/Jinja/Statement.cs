namespace Kvasir.Tokenization.Jinja;

/// <summary>How a statement ended: on to the next, or leaving or restarting the innermost loop.</summary>
internal enum Flow
{
    Next,
    Break,
    Continue,
}

/// <summary>A part of a template that writes or does something.</summary>
internal abstract class Statement(int line)
{
    public int Line { get; } = line;

    public Flow Execute(RenderContext context)
    {
        int outer = context.Enter(Line);
        Flow flow = Run(context);
        context.Leave(outer);
        return flow;
    }

    protected abstract Flow Run(RenderContext context);
}

/// <summary>Statements in order.</summary>
internal sealed class Block(IReadOnlyList<Statement> statements, int line) : Statement(line)
{
    protected override Flow Run(RenderContext context)
    {
        foreach (Statement statement in statements)
        {
            if (statement.Execute(context) is not Flow.Next and Flow flow) return flow;
        }

        return Flow.Next;
    }
}

/// <summary>Literal text.</summary>
internal sealed class TextStatement(string text, int line) : Statement(line)
{
    protected override Flow Run(RenderContext context)
    {
        context.Write(text);
        return Flow.Next;
    }
}

/// <summary><c>{{ a }}</c>.</summary>
internal sealed class PrintStatement(Expression value, int line) : Statement(line)
{
    protected override Flow Run(RenderContext context)
    {
        context.Write(Representation.Text(context, value.Evaluate(context)));
        return Flow.Next;
    }
}

/// <summary><c>{% break %}</c> or <c>{% continue %}</c>.</summary>
internal sealed class LoopControlStatement(Flow flow, int line) : Statement(line)
{
    protected override Flow Run(RenderContext context) => flow;
}

/// <summary>A body whose variables are not seen outside: <c>generation</c> and <c>with</c> blocks.</summary>
internal sealed class ScopedStatement(IReadOnlyList<KeyValuePair<string, Expression>> variables, Statement body, int line) : Statement(line)
{
    protected override Flow Run(RenderContext context)
    {
        Scope outer = context.Scope;
        var inner = new Scope(outer);
        foreach ((string name, Expression value) in variables) inner.Set(name, value.Evaluate(context));
        context.Scope = inner;
        Flow flow = body.Execute(context);
        context.Scope = outer;
        return flow;
    }
}

/// <summary><c>{% filter f %}body{% endfilter %}</c>.</summary>
internal sealed class FilterStatement(IReadOnlyList<FilterStep> filters, Statement body, int line) : Statement(line)
{
    protected override Flow Run(RenderContext context)
    {
        object? value = context.Capture(body);
        foreach (FilterStep filter in filters) value = filter.Apply(context, value);
        context.Write(Representation.Text(context, value));
        return Flow.Next;
    }
}
