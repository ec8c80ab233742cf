namespace Kvasir.Tokenization.Jinja;

/// <summary>A part of a template that has a value.</summary>
/// <param name="line">Where it stands.</param>
/// <param name="compute">Gives the value.</param>
internal sealed class Expression(int line, Func<RenderContext, object?> compute)
{
    /// <summary>What is called with which arguments, where this is a call.</summary>
    public (Expression Target, ArgumentList Arguments)? Call { get; init; }

    public object? Evaluate(RenderContext context)
    {
        int outer = context.Enter(line);
        object? value = compute(context);
        context.Leave(outer);
        return value;
    }
}
