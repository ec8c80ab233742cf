namespace Kvasir.Tokenization.Jinja;

/// <summary>Something that a template can call: a function, a method bound to its target, a macro, or a recursive loop.</summary>
internal abstract class Callable(string name)
{
    public string Name { get; } = name;

    public abstract object? Call(RenderContext context, Arguments arguments);

    /// <summary>Calls a value.</summary>
    /// <exception cref="InvalidInputException">It cannot be called.</exception>
    public static object? Apply(RenderContext context, object? target, Arguments arguments) => target switch
    {
        Callable callable => callable.Call(context, arguments),
        Undefined undefined => throw undefined.Fail(),
        _ => throw new InvalidInputException($"{Operations.TypeName(target)} cannot be called"),
    };

    /// <summary>An attribute, or null where there is none of this name.</summary>
    public virtual object? Attribute(RenderContext context, string name) => null;
}

/// <summary>A built-in function, or a method bound to the value it was taken from.</summary>
internal sealed class Function(Builtin builtin, object? target = null) : Callable(builtin.Name)
{
    public override object? Call(RenderContext context, Arguments arguments) => builtin.Invoke(context, target, arguments);
}
