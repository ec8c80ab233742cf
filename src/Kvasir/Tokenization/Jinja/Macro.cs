namespace Kvasir.Tokenization.Jinja;

/// <summary>A parameter of a macro and its default.</summary>
internal sealed record MacroParameter(string Name, Expression? Default);

/// <summary>What is written of a macro, or of the body of a call block.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Parameters">Its parameters.</param>
/// <param name="Body">What a call runs.</param>
/// <param name="Uses">Which of <c>varargs</c>, <c>kwargs</c> and <c>caller</c> the body names: only then may a call bring them.</param>
internal sealed record MacroDefinition(string Name, IReadOnlyList<MacroParameter> Parameters, Statement Body, IReadOnlySet<string> Uses);

/// <summary>A macro with the variables of the place where it is defined; its value is what its body writes.</summary>
internal sealed class Macro(MacroDefinition definition, Scope closure) : Callable(definition.Name)
{
    public override object? Call(RenderContext context, Arguments arguments) => context.InScope(new Scope(closure), () =>
    {
        Bind(context, arguments);
        return context.Capture(definition.Body);
    });

    public override object? Attribute(RenderContext context, string name) => name switch
    {
        "name" => definition.Name,
        "arguments" => Sequence.Tuple([.. definition.Parameters.Select(parameter => parameter.Name)]),
        "catch_varargs" => definition.Uses.Contains("varargs"),
        "catch_kwargs" => definition.Uses.Contains("kwargs"),
        "caller" => definition.Uses.Contains("caller"),
        _ => null,
    };

    private void Bind(RenderContext context, Arguments arguments)
    {
        var named = new Dictionary<string, object?>(arguments.Named, StringComparer.Ordinal);
        IReadOnlyList<MacroParameter> parameters = definition.Parameters;
        foreach ((int i, MacroParameter parameter) in parameters.Index())
        {
            object? value = i < arguments.Positional.Count ? arguments.Positional[i]
                : named.Remove(parameter.Name, out object? given) ? given
                : parameter.Default is not null ? parameter.Default.Evaluate(context)
                : new Undefined($"the macro '{Name}' was called without '{parameter.Name}'");
            context.Scope.Set(parameter.Name, value);
        }

        if (definition.Uses.Contains("caller"))
        {
            context.Scope.Set("caller", named.Remove("caller", out object? caller)
                ? caller
                : new Undefined("there is no caller: the macro was not called by a call block"));
        }

        object?[] rest = [.. arguments.Positional.Skip(parameters.Count)];
        if (definition.Uses.Contains("varargs")) context.Scope.Set("varargs", Sequence.Tuple(rest));
        else if (rest.Length > 0)
            throw new InvalidInputException($"the macro '{Name}' takes at most {parameters.Count} arguments, {arguments.Positional.Count} "
                + "are given");

        if (definition.Uses.Contains("kwargs")) context.Scope.Set("kwargs", Mapping.Of(named));
        else if (named.Count > 0) throw new InvalidInputException($"the macro '{Name}' has no argument '{named.First().Key}'");
    }
}
