namespace Kvasir.Tokenization.Jinja;

/// <summary>Methods of lists, dictionaries and numbers, by name; those that would change one are refused.</summary>
internal static class ContainerMethods
{
    public static readonly BuiltinTable OfLists = new("{0}()")
    {
        { "append extend insert pop remove clear sort reverse", "*", c => throw c.Fail("a template cannot change a list") },
        { "copy", "", c => c.Target },
        { "count", "value", c => Items(c).Count(item => Operations.AreEqual(c.Context, item, c[0])) + 0L },
        { "index", "value start? end?", IndexOf },
    };

    public static readonly BuiltinTable OfMappings = new("{0}()")
    {
        { "clear pop popitem setdefault update", "*", c => throw c.Fail("a template cannot change a dictionary") },
        { "copy", "", c => c.Target },
        { "get", "key default?", c => ((Mapping)c.Target!).TryGet(c[0], out object? value) ? value : c.Get(1) },
        { "items", "", c => View(c, "dict_items", mapping => mapping.Pairs) },
        { "keys", "", c => View(c, "dict_keys", mapping => mapping.Keys) },
        { "values", "", c => View(c, "dict_values", mapping => mapping.Values) },
    };

    public static readonly BuiltinTable OfFloats = new("{0}()")
    {
        { "is_integer", "", c => double.IsInteger((double)c.Target!) },
    };

    private static IReadOnlyList<object?> Items(Call call) => ((Sequence)call.Target!).Items;

    private static Sequence View(Call call, string name, Func<Mapping, IEnumerable<object?>> items)
    {
        var mapping = (Mapping)call.Target!;
        call.Context.Charge(mapping.Count);
        return new Sequence([.. items(mapping)], SequenceKind.View) { Name = name };
    }

    private static object? IndexOf(Call call)
    {
        (long first, long end, _) = Lookup.Bounds(Items(call).Count, call.Get(1), call.Get(2));
        for (long i = first; i < end; i++)
        {
            if (Operations.AreEqual(call.Context, Items(call)[(int)i], call[0])) return i;
        }

        throw call.Fail("the value is not in the list");
    }
}
