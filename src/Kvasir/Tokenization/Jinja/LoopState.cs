namespace Kvasir.Tokenization.Jinja;

/// <summary>The variable <c>loop</c> inside a for block. Items are taken as needed; for <c>last</c> the next is looked at.</summary>
internal sealed class LoopState(IEnumerable<object?> items, int depth, Func<object?, string>? recurse) : Callable("loop")
{
    private static readonly Builtin s_cycle = new("cycle()", "cycle", "*", c => c.Given.Positional is { Count: > 0 } values
        ? values[((LoopState)c.Target!)._index % values.Count]
        : throw c.Fail("it needs items"));

    private static readonly Builtin s_changed = new("changed()", "changed", "*", c => ((LoopState)c.Target!).Changed(c));

    private readonly IEnumerator<object?> _source = items.GetEnumerator();
    private readonly List<object?> _taken = [];
    private int _index = -1;
    private Sequence? _changedOn;

    public object? Current => _taken[_index];

    public bool MoveNext()
    {
        _index++;
        return Has(_index);
    }

    public override object? Call(RenderContext context, Arguments arguments) => recurse is null
        ? throw new InvalidInputException("loop() needs a for block that is marked 'recursive'")
        : recurse(arguments.Positional is [object single] ? single : throw new InvalidInputException("loop() needs what to run over"));

    public override object? Attribute(RenderContext context, string name) => name switch
    {
        "index" => _index + 1L,
        "index0" => (long)_index,
        "revindex" => Length - _index,
        "revindex0" => Length - _index - 1L,
        "first" => _index == 0,
        "last" => !Has(_index + 1),
        "length" => Length,
        "depth" => depth + 1L,
        "depth0" => (long)depth,
        "previtem" => _index > 0 ? _taken[_index - 1] : new Undefined("there is no previous item"),
        "nextitem" => Has(_index + 1) ? _taken[_index + 1] : new Undefined("there is no next item"),
        "cycle" => new Function(s_cycle, this),
        "changed" => new Function(s_changed, this),
        _ => null,
    };

    private long Length => Has(int.MaxValue) ? 0 : _taken.Count;

    private bool Has(int index)
    {
        while (_taken.Count <= index && _source.MoveNext()) _taken.Add(_source.Current);
        return _taken.Count > index;
    }

    private bool Changed(Call call)
    {
        var now = new Sequence(call.Given.Positional);
        bool same = _changedOn is not null && Operations.AreEqual(call.Context, _changedOn, now);
        _changedOn = now;
        return !same;
    }
}
