namespace Kvasir.Tokenization.Jinja;

/// <summary>The functions that every chat template can call, by name.</summary>
internal static class Globals
{
    private const int MaxRange = 100_000;

    private static readonly BuiltinTable s_table = new("{0}()")
    {
        { "cycler", "*", c => new Cycler(c.Given.Positional.Count > 0 ? c.Given.Positional : throw c.Fail("it needs items")) },
        { "dict", "*", Entries },
        { "joiner", "sep?", c => new Joiner(Representation.Text(c.Context, c.Get(0, ", "))) },
        { "namespace", "*", c => new Namespace(Entries(c)) },
        { "raise_exception", "message", c => throw new InvalidInputException(Representation.Text(c.Context, c[0])) },
        { "range", "*", Range },
        { "strftime_now", "format", c => TimeFormat.Apply(c.Context, c.Context.Clock.GetLocalNow(), c.String(0)) },
    };

    /// <summary>A scope that holds them.</summary>
    public static Scope NewScope()
    {
        var scope = new Scope(null);
        foreach (Builtin function in s_table) scope.Set(function.Name, new Function(function));
        return scope;
    }

    private static Sequence Range(Call call)
    {
        long[] bounds = [.. call.Given.Positional.Select(value => Numbers.TryLong(value, out long bound)
            ? bound : throw call.Fail($"it takes integers, not {Operations.TypeName(value)}"))];
        (long start, long stop, long step) = bounds switch
        {
            [long end] => (0L, end, 1L),
            [long first, long end] => (first, end, 1L),
            [long first, long end, long by] when by != 0 => (first, end, by),
            _ => throw call.Fail("it takes one to three integers, the last not 0"),
        };
        Int128 distance = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        Int128 count = distance <= 0 ? 0 : (distance + Int128.Abs(step) - 1) / Int128.Abs(step);
        if (count > MaxRange) throw call.Fail($"more than {MaxRange} numbers are too many");
        call.Context.Charge((long)count);
        return new Sequence([.. Enumerable.Range(0, (int)count).Select(i => (object?)(start + (i * step)))], SequenceKind.Range)
        {
            Name = FormattableString.Invariant($"range({start}, {stop}{(step == 1 ? "" : FormattableString.Invariant($", {step}"))})"),
        };
    }

    /// <summary>A dictionary of another one or of pairs, and of named arguments.</summary>
    private static Mapping Entries(Call call)
    {
        var mapping = new Mapping();
        if (call.Given.Positional.Count > 1) throw call.Fail("it takes at most one argument without a name");
        foreach (object? source in call.Given.Positional)
        {
            foreach (object? item in source is Mapping other ? other.Pairs : Iteration.Items(call.Context, source))
            {
                IReadOnlyList<object?> pair = Iteration.List(call.Context, item);
                mapping.Set(pair.Count == 2 ? pair[0] : throw call.Fail("it takes pairs of a key and a value"), pair[1]);
            }
        }

        foreach ((string name, object? value) in call.Given.Named) mapping.Set(name, value);
        return mapping;
    }
}

/// <summary>What <c>cycler(…)</c> makes: <c>next()</c> gives its items in turn.</summary>
internal sealed class Cycler(IReadOnlyList<object?> items) : Callable("cycler")
{
    private static readonly Builtin s_next = new("next()", "next", "", c => ((Cycler)c.Target!).Next());
    private static readonly Builtin s_reset = new("reset()", "reset", "", c => ((Cycler)c.Target!).Reset());

    private int _position;

    public override object? Call(RenderContext context, Arguments arguments) =>
        throw new InvalidInputException("a cycler cannot be called; use its next()");

    public override object? Attribute(RenderContext context, string name) => name switch
    {
        "current" => items[_position],
        "next" => new Function(s_next, this),
        "reset" => new Function(s_reset, this),
        _ => null,
    };

    private object? Reset()
    {
        _position = 0;
        return null;
    }

    private object? Next()
    {
        object? item = items[_position];
        _position = (_position + 1) % items.Count;
        return item;
    }
}

/// <summary>What <c>joiner(', ')</c> makes: gives nothing when first called, then the separator.</summary>
internal sealed class Joiner(string separator) : Callable("joiner")
{
    private bool _used;

    public override object? Call(RenderContext context, Arguments arguments)
    {
        string text = _used ? separator : "";
        _used = true;
        return text;
    }
}
