namespace Kvasir.Tokenization.Jinja;

/// <summary>How a statement ended: on to the next, or leaving or restarting the innermost loop.</summary>
internal enum Flow
{
    Next,
    Break,
    Continue,
}

/// <summary>A part of a template that writes or does something.</summary>
/// <param name="line">Where it stands.</param>
/// <param name="run">Does it.</param>
internal sealed class Statement(int line, Func<RenderContext, Flow> run)
{
    public Flow Execute(RenderContext context)
    {
        int outer = context.Enter(line);
        Flow flow = run(context);
        context.Leave(outer);
        return flow;
    }

    /// <summary>One that always goes on to the next.</summary>
    public static Statement Of(int line, Action<RenderContext> run) => new(line, context =>
    {
        run(context);
        return Flow.Next;
    });

    /// <summary>Statements in order.</summary>
    public static Statement Block(int line, IReadOnlyList<Statement> statements) => new(line, context =>
    {
        foreach (Statement statement in statements)
        {
            if (statement.Execute(context) is not Flow.Next and Flow flow) return flow;
        }

        return Flow.Next;
    });
}
