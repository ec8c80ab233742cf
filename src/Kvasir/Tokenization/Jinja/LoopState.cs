namespace Kvasir.Tokenization.Jinja;

/// <summary>The variable <c>loop</c> inside a for block.</summary>
internal sealed class LoopState(IReadOnlyList<object?> items)
{
    private int _index = -1;
    private Arguments? _changedOn;

    public object? Current => items[_index];

    public bool MoveNext() => ++_index < items.Count;

    public object? Attribute(string name) => name switch
    {
        "index" => _index + 1L,
        "index0" => (long)_index,
        "revindex" => (long)(items.Count - _index),
        "revindex0" => items.Count - _index - 1L,
        "first" => _index == 0,
        "last" => _index == items.Count - 1,
        "length" => (long)items.Count,
        "depth" => 1L,
        "depth0" => 0L,
        "previtem" => _index > 0 ? items[_index - 1] : new Undefined("there is no previous item"),
        "nextitem" => _index + 1 < items.Count ? items[_index + 1] : new Undefined("there is no next item"),
        "cycle" => new Function("cycle", (_, arguments) => arguments.Positional.Count > 0
            ? arguments.Positional[_index % arguments.Positional.Count]
            : throw new InvalidInputException("cycle() needs items")),
        "changed" => new Function("changed", (context, arguments) => Changed(context, arguments)),
        _ => Undefined.Attribute(this, name),
    };

    private bool Changed(RenderContext context, Arguments arguments)
    {
        bool same = _changedOn is not null
            && Operations.AreEqual(context, new Sequence(_changedOn.Positional), new Sequence(arguments.Positional));
        _changedOn = arguments;
        return !same;
    }
}
