namespace Kvasir.Tokenization.Jinja;

/// <summary>A built-in function, or a method bound to the value it was taken from.</summary>
internal sealed class Function : Callable
{
    private readonly Func<RenderContext, Arguments, object?> _body;

    /// <summary>A function of any arguments.</summary>
    public Function(string name, Func<RenderContext, Arguments, object?> body) : base(name) => _body = body;

    /// <summary>A function of named parameters.</summary>
    public Function(string name, string[] parameters, Func<RenderContext, BoundArguments, object?> body)
        : base(name) => _body = (context, arguments) => body(context, new BoundArguments(name + "()", parameters, arguments));

    public override object? Call(RenderContext context, Arguments arguments) => _body(context, arguments);
}
