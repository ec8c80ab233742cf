namespace Kvasir.Tokenization.Jinja;

/// <summary><c>{% for a in b if c %}body{% else %}otherwise{% endfor %}</c>.</summary>
internal sealed class ForStatement(Target target, Expression items, Expression? filter, Statement body, Statement? otherwise, int line) : Statement(line)
{
    protected override Flow Run(RenderContext context)
    {
        Scope outer = context.Scope;
        IReadOnlyList<object?> chosen = Choose(context, Iteration.Items(context, items.Evaluate(context)));
        var loop = new LoopState(chosen);
        while (loop.MoveNext())
        {
            context.Scope = new Scope(outer);
            context.Scope.Set("loop", loop);
            target.Assign(context, loop.Current);
            if (body.Execute(context) == Flow.Break)
            {
                break;
            }
        }

        if (chosen.Count == 0 && otherwise is not null)
        {
            context.Scope = new Scope(outer);
            otherwise.Execute(context);
        }

        context.Scope = outer;
        return Flow.Next;
    }

    private IReadOnlyList<object?> Choose(RenderContext context, IReadOnlyList<object?> all)
    {
        if (filter is null)
        {
            return all;
        }

        Scope outer = context.Scope;
        var chosen = new List<object?>();
        foreach (object? item in all)
        {
            context.Scope = new Scope(outer);
            target.Assign(context, item);
            if (Operations.IsTrue(filter.Evaluate(context)))
            {
                chosen.Add(item);
            }
        }

        context.Scope = outer;
        return chosen;
    }
}
