namespace Kvasir.Tokenization.Jinja;

/// <summary>What <c>namespace()</c> makes: the only thing whose attributes a template can set.</summary>
internal sealed class Namespace(Mapping attributes)
{
    public Mapping Attributes => attributes;

    public bool TryGet(string name, out object? value) => attributes.TryGet(name, out value);

    public void Set(string name, object? value) => attributes.Set(name, value);
}
