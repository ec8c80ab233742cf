namespace Kvasir.Tokenization.Jinja;

/// <summary><c>{% for a in b if c recursive %}body{% else %}otherwise{% endfor %}</c>.</summary>
internal sealed class ForStatement(Target target, Expression items, int line) : Statement(line)
{
    public Expression? Filter { get; init; }

    public bool Recursive { get; init; }

    public required Statement Body { get; init; }

    public Statement? Otherwise { get; init; }

    protected override Flow Run(RenderContext context)
    {
        Loop(context, items.Evaluate(context), depth: 0);
        return Flow.Next;
    }

    /// <summary>Runs over <paramref name="values"/>; a recursive loop calls this again from inside with items of its own.</summary>
    private void Loop(RenderContext context, object? values, int depth)
    {
        Scope outer = context.Scope;
        var loop = new LoopState(Chosen(context, outer, Iteration.Items(context, values)), depth, Recursive ? inner => Capture(context, outer, inner, depth) : null);
        bool any = false;
        while (loop.MoveNext())
        {
            any = true;
            context.Charge(1);
            context.Scope = new Scope(outer);
            context.Scope.Set("loop", loop);
            target.Assign(context, loop.Current);
            if (Body.Execute(context) == Flow.Break) break;
        }

        if (!any && Otherwise is not null)
        {
            context.Scope = new Scope(outer);
            Otherwise.Execute(context);
        }

        context.Scope = outer;
    }

    private string Capture(RenderContext context, Scope outer, object? values, int depth)
    {
        Scope inner = context.Scope;
        context.Scope = outer;
        string text = context.Capture(new Once(this, values, depth + 1));
        context.Scope = inner;
        return text;
    }

    private IEnumerable<object?> Chosen(RenderContext context, Scope outer, IEnumerable<object?> all) => Filter is null ? all : all.Where(item =>
    {
        Scope inner = context.Scope;
        context.Scope = new Scope(outer);
        target.Assign(context, item);
        bool chosen = Operations.IsTrue(Filter.Evaluate(context));
        context.Scope = inner;
        return chosen;
    });

    /// <summary>One deeper run of a recursive loop.</summary>
    private sealed class Once(ForStatement loop, object? values, int depth) : Statement(loop.Line)
    {
        protected override Flow Run(RenderContext context)
        {
            loop.Loop(context, values, depth);
            return Flow.Next;
        }
    }
}
