using System.Globalization;

namespace Kvasir.Tokenization.Jinja;

/// <summary><c>map</c>, <c>select</c>, <c>reject</c>, <c>selectattr</c>, <c>rejectattr</c>.</summary>
internal static class SelectionFilters
{
    /// <summary>An attribute by a path such as <c>function.name</c> or <c>parts.0</c>, or by an index; <paramref name="fallback"/>, unless null, stands in for each missing part.</summary>
    public static object? Attribute(RenderContext context, object? item, object? path, object? fallback = null)
    {
        if (path is not string names)
        {
            return Or(Lookup.Item(context, item, path), fallback);
        }

        foreach (string name in names.Split('.'))
        {
            object key = long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out long index) ? index : name;
            item = Or(Lookup.Item(context, item, key), fallback);
        }

        return item;
    }

    /// <summary><c>map('filter', …)</c> or <c>map(attribute='name', default=…)</c>.</summary>
    public static object? Map(RenderContext context, object? value, Arguments arguments)
    {
        Func<object?, object?> change;
        if (arguments.Positional.Count == 0)
        {
            var bound = new BoundArguments("the filter 'map'", ["attribute", "default"], arguments);
            object? path = bound[0];
            change = item => Attribute(context, item, path, bound.Get(1, null));
        }
        else
        {
            string filter = Name("map", "filter", arguments);
            Arguments rest = arguments.Skip(1);
            change = item => Filters.Apply(context, filter, item, rest);
        }

        return new Sequence([.. Iteration.Items(context, value).Select(change)], SequenceKind.Generator);
    }

    public static object? Select(RenderContext context, object? value, Arguments arguments, bool byAttribute, bool wanted)
    {
        object? path = null;
        if (byAttribute)
        {
            path = arguments.Positional.Count > 0 ? arguments.Positional[0] : throw new InvalidInputException("selectattr and rejectattr need the name of an attribute");
            arguments = arguments.Skip(1);
        }

        Func<object?, bool> holds = Operations.IsTrue;
        if (arguments.Positional.Count > 0)
        {
            string test = Name("select", "test", arguments);
            Arguments rest = arguments.Skip(1);
            holds = item => Tests.Holds(context, test, item, rest);
        }

        return new Sequence(
            [.. Iteration.Items(context, value).Where(item => holds(byAttribute ? Attribute(context, item, path) : item) == wanted)],
            SequenceKind.Generator);
    }

    private static object? Or(object? found, object? fallback) => found is Undefined && fallback is not null ? fallback : found;

    private static string Name(string filter, string kind, Arguments arguments) =>
        arguments.Positional[0] as string ?? throw new InvalidInputException($"{filter} needs the name of a {kind}, not {Operations.TypeName(arguments.Positional[0])}");
}
