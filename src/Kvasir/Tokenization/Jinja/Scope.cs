namespace Kvasir.Tokenization.Jinja;

/// <summary>Variables of a template, a loop turn or a macro call; what is set here is not seen outside.</summary>
internal sealed class Scope(Scope? parent)
{
    private Dictionary<string, object?>? _variables;

    public object? Get(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._variables is not null && scope._variables.TryGetValue(name, out object? value)) return value;
        }

        return Undefined.Name(name);
    }

    public void Set(string name, object? value) => (_variables ??= new(StringComparer.Ordinal))[name] = value;

    private Scope? Parent { get; } = parent;
}
