namespace Kvasir.Tokenization.Jinja;

/// <summary>Something that a template can call: a function, a method bound to its target, or a macro.</summary>
internal abstract class Callable(string name)
{
    public string Name { get; } = name;

    public abstract object? Call(RenderContext context, Arguments arguments);
}
