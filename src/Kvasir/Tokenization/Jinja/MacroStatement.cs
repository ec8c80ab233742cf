namespace Kvasir.Tokenization.Jinja;

/// <summary>A parameter of a macro and its default.</summary>
internal sealed record MacroParameter(string Name, Expression? Default);

/// <summary><c>{% macro name(a, b=c) %}body{% endmacro %}</c>: defines a function whose value is what its body writes.</summary>
internal sealed class MacroStatement(string name, IReadOnlyList<MacroParameter> parameters, Statement body, int line) : Statement(line)
{
    protected override Flow Run(RenderContext context)
    {
        context.Scope.Set(name, new Macro(name, parameters, body, context.Scope));
        return Flow.Next;
    }
}

/// <summary>A macro with the variables of the place where it is defined.</summary>
internal sealed class Macro(string name, IReadOnlyList<MacroParameter> parameters, Statement body, Scope closure) : Callable(name)
{
    public override object? Call(RenderContext context, Arguments arguments)
    {
        if (arguments.Positional.Count > parameters.Count)
        {
            throw new InvalidInputException($"the macro '{Name}' takes at most {parameters.Count} arguments, {arguments.Positional.Count} are given");
        }

        string? unknown = arguments.Named.Keys.FirstOrDefault(given => parameters.All(parameter => parameter.Name != given));
        if (unknown is not null)
        {
            throw new InvalidInputException($"the macro '{Name}' has no argument '{unknown}'");
        }

        Scope caller = context.Scope;
        context.Scope = new Scope(closure);
        for (int i = 0; i < parameters.Count; i++)
        {
            MacroParameter parameter = parameters[i];
            object? value = i < arguments.Positional.Count ? arguments.Positional[i]
                : arguments.Named.TryGetValue(parameter.Name, out object? named) ? named
                : parameter.Default is not null ? parameter.Default.Evaluate(context)
                : new Undefined($"the macro '{Name}' was called without '{parameter.Name}'");
            context.Scope.Set(parameter.Name, value);
        }

        string text = context.Capture(body);
        context.Scope = caller;
        return text;
    }
}
