namespace Kvasir.Tokenization.Jinja;

/// <summary>Methods of dictionaries; those that would change one are refused.</summary>
internal static class DictionaryMethods
{
    public static Callable? Find(Mapping mapping, string name) => name switch
    {
        "items" => new Function(name, [], (context, _) => Listed(context, mapping.Entries.Select(entry => (object?)Sequence.Tuple(entry.Key, entry.Value)))),
        "keys" => new Function(name, [], (context, _) => Listed(context, mapping.Keys)),
        "values" => new Function(name, [], (context, _) => Listed(context, mapping.Values)),
        "get" => new Function(name, ["key", "default"], (context, a) => Iteration.Contains(context, mapping, a[0]) && mapping.TryGet(a[0], out object? value) ? value : a.Get(1, null)),
        "copy" => new Function(name, [], (_, _) => mapping),
        "update" or "pop" or "popitem" or "setdefault" or "clear" => new Function(name, (_, _) => throw new InvalidInputException($"{name}(): a template cannot change a dictionary")),
        _ => null,
    };

    private static Sequence Listed(RenderContext context, IEnumerable<object?> items)
    {
        var list = new Sequence([.. items]);
        context.Charge(list.Items.Count);
        return list;
    }
}
