namespace Kvasir.Tokenization.Jinja;

/// <summary>The functions that every chat template can call.</summary>
internal static class Globals
{
    private const int MaxRange = 100_000;

    /// <summary>A scope that holds them.</summary>
    public static Scope NewScope()
    {
        var scope = new Scope(null);
        scope.Set("raise_exception", new Function("raise_exception", ["message"], (context, a) => throw new InvalidInputException(Representation.Text(context, a[0]))));
        scope.Set("strftime_now", new Function("strftime_now", ["format"], (context, a) => context.Text(TimeFormat.Apply(context.Clock.GetLocalNow(), a.Text(0)))));
        scope.Set("range", new Function("range", Range));
        scope.Set("dict", new Function("dict", (context, arguments) => Entries(context, "dict", arguments)));
        scope.Set("namespace", new Function("namespace", (context, arguments) => NewNamespace(context, arguments)));
        return scope;
    }

    private static Sequence Range(RenderContext context, Arguments arguments)
    {
        long[] bounds = [.. arguments.Positional.Select(value => Operations.TryInteger(value, out long bound)
            ? bound
            : throw new InvalidInputException($"range() takes integers, not {Operations.TypeName(value)}"))];
        (long start, long stop, long step) = bounds switch
        {
            [long end] => (0L, end, 1L),
            [long first, long end] => (first, end, 1L),
            [long first, long end, long by] when by != 0 => (first, end, by),
            _ => throw new InvalidInputException("range() takes one to three integers, the last not 0"),
        };
        Int128 distance = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        Int128 count = distance <= 0 ? 0 : (distance + Int128.Abs(step) - 1) / Int128.Abs(step);
        if (count > MaxRange)
        {
            throw new InvalidInputException($"range() of more than {MaxRange} numbers is too long");
        }

        context.Charge((long)count);
        return new Sequence([.. Enumerable.Range(0, (int)count).Select(i => (object?)(start + (i * step)))]);
    }

    private static Mapping Entries(RenderContext context, string function, Arguments arguments)
    {
        var mapping = new Mapping();
        if (arguments.Positional.Count > 1)
        {
            throw new InvalidInputException($"{function}() takes at most one argument without a name");
        }

        if (arguments.Positional is [Mapping source])
        {
            foreach ((object? key, object? value) in source.Entries)
            {
                mapping.Set(key, value);
            }
        }
        else if (arguments.Positional is [object other])
        {
            foreach (object? item in Iteration.Items(context, other))
            {
                IReadOnlyList<object?> pair = Iteration.Items(context, item);
                mapping.Set(pair.Count == 2 ? pair[0] : throw new InvalidInputException($"{function}() takes pairs of a key and a value"), pair[1]);
            }
        }

        foreach ((string name, object? value) in arguments.Named)
        {
            mapping.Set(name, value);
        }

        context.Charge(mapping.Count);
        return mapping;
    }

    private static Namespace NewNamespace(RenderContext context, Arguments arguments)
    {
        var space = new Namespace();
        foreach ((object? key, object? value) in Entries(context, "namespace", arguments).Entries)
        {
            space[key as string ?? throw new InvalidInputException("namespace(): names must be strings")] = value;
        }

        return space;
    }
}
