namespace Kvasir.Tokenization.Jinja;

/// <summary>The filters <c>map</c>, <c>select(attr)</c> and <c>reject(attr)</c>: over nothing where the value is false.</summary>
internal static class SelectionFilters
{
    private const string MapName = "generator object sync_do_map", SelectName = "generator object sync_do_select";

    /// <summary>
    /// Looks an attribute up by a path such as <c>function.name</c> or <c>parts.0</c>, or by an index; the item itself where there is none.
    /// <paramref name="fallback"/>, unless null, stands in for each missing part.
    /// </summary>
    public static Func<object?, object?> Attribute(RenderContext context, object? path, object? fallback = null)
    {
        object?[] keys = path switch
        {
            null => [],
            string names => [.. names.Split('.').Select(KeyOf)],
            _ => [path],
        };
        return item =>
        {
            foreach (object? key in keys)
            {
                context.Charge(1);
                item = Lookup.Item(context, item, key);
                item = item is Undefined && fallback is not null ? fallback : item;
            }

            return item;
        };
    }

    /// <summary><c>map('filter', …)</c> or <c>map(attribute='name', default=…)</c>.</summary>
    public static object? Map(Call call)
    {
        Func<object?, object?> change;
        Arguments given = call.Given;
        if (!Operations.IsTrue(call.Target)) return new Generator(MapName, []);
        if (given.Positional.Count == 0)
        {
            if (!given.Named.ContainsKey("attribute")) throw call.Fail("it needs the name of a filter, or an attribute");
            if (given.Named.Keys.FirstOrDefault(name => name is not ("attribute" or "default")) is { } unknown)
                throw call.Fail($"it has no argument '{unknown}'");
            change = Attribute(call.Context, given.Named["attribute"], given.Named.GetValueOrDefault("default"));
        }
        else
        {
            Builtin filter = Filters.Table.Require(Name(call, given));
            Arguments rest = given.Skip(1);
            change = item => filter.Invoke(call.Context, item, rest);
        }

        return new Generator(MapName, Iteration.Items(call.Context, call.Target).Select(change));
    }

    public static object? Select(Call call, bool byAttribute, bool wanted)
    {
        Arguments given = call.Given;
        Func<object?, object?> pick = item => item;
        if (!Operations.IsTrue(call.Target)) return new Generator(SelectName, []);
        if (byAttribute)
        {
            if (given.Positional.Count == 0) throw call.Fail("it needs the name of an attribute");
            pick = Attribute(call.Context, given.Positional[0]);
            given = given.Skip(1);
        }

        Func<object?, bool> holds = Operations.IsTrue;
        if (given.Positional.Count > 0)
        {
            Builtin test = Tests.Table.Require(Name(call, given));
            Arguments rest = given.Skip(1);
            holds = item => Operations.IsTrue(test.Invoke(call.Context, item, rest));
        }

        return new Generator(SelectName, Iteration.Items(call.Context, call.Target).Where(item => holds(pick(item)) == wanted));
    }

    private static object KeyOf(string name) =>
        long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out long index) ? index : name;

    private static string Name(Call call, Arguments given) =>
        given.Positional[0] as string ?? throw call.Fail($"it needs a name, not {Operations.TypeName(given.Positional[0])}");
}
