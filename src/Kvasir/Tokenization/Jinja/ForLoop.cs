namespace Kvasir.Tokenization.Jinja;

/// <summary><c>{% for a in b if c recursive %}body{% else %}otherwise{% endfor %}</c>.</summary>
internal sealed class ForLoop
{
    public required int Line { get; init; }

    /// <summary>Gives an item to the names before <c>in</c>.</summary>
    public required Action<RenderContext, object?> Assign { get; init; }

    public required Expression Items { get; init; }

    public Expression? Filter { get; init; }

    public bool Recursive { get; init; }

    public required Statement Body { get; init; }

    /// <summary>Runs where no turn came to its end: a turn that break or continue left counts as none, as Jinja has it.</summary>
    public Statement? Otherwise { get; init; }

    public void Run(RenderContext context) => Run(context, Items.Evaluate(context), depth: 0);

    /// <summary>Runs over <paramref name="values"/>; a recursive loop calls this again from inside with items of its own.</summary>
    private void Run(RenderContext context, object? values, int depth)
    {
        Scope outer = context.Scope;
        IEnumerable<object?> chosen = Chosen(context, outer, Iteration.Items(context, values));
        var loop = new LoopState(chosen, depth, Recursive ? inner => Capture(context, outer, inner, depth) : null);
        bool completed = false;
        while (loop.MoveNext())
        {
            context.Charge(1);
            context.Scope = new Scope(outer);
            context.Scope.Set("loop", loop);
            Assign(context, loop.Current);
            Flow flow = Body.Execute(context);
            if (flow == Flow.Break) break;
            completed |= flow == Flow.Next;
        }

        if (!completed && Otherwise is not null)
        {
            context.Scope = new Scope(outer);
            Otherwise.Execute(context);
        }

        context.Scope = outer;
    }

    private string Capture(RenderContext context, Scope outer, object? values, int depth) =>
        context.InScope(outer, () => context.Capture(Statement.Of(Line, inner => Run(inner, values, depth + 1))));

    private IEnumerable<object?> Chosen(RenderContext context, Scope outer, IEnumerable<object?> all) =>
        Filter is null ? all : all.Where(item => context.InScope(new Scope(outer), () =>
        {
            Assign(context, item);
            return Operations.IsTrue(Filter.Evaluate(context));
        }));
}
