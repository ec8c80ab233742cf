namespace Kvasir.Tokenization.Jinja;

/// <summary>A part of a template that has a value.</summary>
internal abstract class Expression(int line)
{
    public int Line { get; } = line;

    public object? Evaluate(RenderContext context)
    {
        int outer = context.Enter(Line);
        object? value = Compute(context);
        context.Leave(outer);
        return value;
    }

    protected abstract object? Compute(RenderContext context);
}
