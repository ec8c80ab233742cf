namespace Kvasir.Tokenization.Jinja;

/// <summary>What <c>namespace()</c> makes: the only thing whose attributes a template can set.</summary>
internal sealed class Namespace
{
    private readonly Dictionary<string, object?> _attributes = new(StringComparer.Ordinal);

    public object? this[string name]
    {
        get => _attributes.TryGetValue(name, out object? value) ? value : Undefined.Attribute(this, name);
        set => _attributes[name] = value;
    }
}
