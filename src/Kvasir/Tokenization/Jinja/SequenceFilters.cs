namespace Kvasir.Tokenization.Jinja;

/// <summary>Filters over the items of a list or dictionary.</summary>
internal static class SequenceFilters
{
    public static object? Join(RenderContext context, object? value, BoundArguments arguments)
    {
        string separator = Representation.Text(context, arguments.Get(0, ""));
        object? attribute = arguments.Get(1, null);
        string[] texts = [.. Iteration.Items(context, value).Select(item => Representation.Text(context, Pick(context, item, attribute)))];
        context.Room(texts.Sum(text => (long)text.Length) + (separator.Length * (long)texts.Length));
        return context.Text(string.Join(separator, texts));
    }

    /// <summary>Key and value of each entry.</summary>
    public static Sequence Pairs(object? value) => value switch
    {
        Mapping mapping => new Sequence([.. mapping.Entries.Select(entry => (object?)Sequence.Tuple(entry.Key, entry.Value))], SequenceKind.Generator),
        Undefined => new Sequence([], SequenceKind.Generator),
        _ => throw new InvalidInputException($"{Operations.TypeName(value)} has no items: a dictionary is needed"),
    };

    public static object? SortMapping(RenderContext context, object? value, BoundArguments arguments)
    {
        int place = arguments.TextOrNull(1) switch
        {
            null or "key" => 0,
            "value" => 1,
            _ => throw new InvalidInputException("dictsort: the argument 'by' must be 'key' or 'value'"),
        };
        return new Sequence(Ordered(context, Pairs(value).Items, pair => Key(context, ((Sequence)pair!).Items[place], arguments.Flag(0)), arguments.Flag(2)));
    }

    public static object? Sort(RenderContext context, object? value, BoundArguments arguments)
    {
        object? attribute = arguments.Get(2, null);
        return new Sequence(Ordered(context, Iteration.Items(context, value), item => Key(context, Pick(context, item, attribute), arguments.Flag(1)), arguments.Flag(0)));
    }

    public static object? Unique(RenderContext context, object? value, BoundArguments arguments)
    {
        var seen = new Mapping();
        var kept = new List<object?>();
        foreach (object? item in Iteration.Items(context, value))
        {
            object? key = Key(context, Pick(context, item, arguments.Get(1, null)), arguments.Flag(0));
            if (!seen.TryGet(key, out _))
            {
                seen.Set(key, null);
                kept.Add(item);
            }
        }

        return new Sequence(kept, SequenceKind.Generator);
    }

    public static object? Reverse(RenderContext context, object? value, BoundArguments arguments) => value is string
        ? Lookup.Slice(context, value, null, null, -1L)
        : new Sequence([.. Iteration.Items(context, value).Reverse()], SequenceKind.Generator);

    /// <summary>The smallest or largest item, the first of equals; undefined where there is none.</summary>
    public static object? Extreme(RenderContext context, object? value, BoundArguments arguments, int sign)
    {
        IReadOnlyList<object?> items = Iteration.Items(context, value);
        if (items.Count == 0)
        {
            return new Undefined("the smallest or largest item of an empty list is undefined");
        }

        object? KeyOf(object? item) => Key(context, Pick(context, item, arguments.Get(1, null)), arguments.Flag(0));
        object? best = items[0];
        foreach (object? item in items.Skip(1))
        {
            best = Operations.Compare(context, KeyOf(item), KeyOf(best)) * sign > 0 ? item : best;
        }

        return best;
    }

    public static object? Sum(RenderContext context, object? value, BoundArguments arguments) =>
        Iteration.Items(context, value).Aggregate(arguments.Get(1, 0L), (total, item) => Arithmetic.Apply(context, "+", total, Pick(context, item, arguments.Get(0, null))));

    public static object? Batch(RenderContext context, object? value, BoundArguments arguments)
    {
        const long MaxSize = 100_000;
        long size = Math.Clamp(arguments.Integer(0), 1, MaxSize);
        object? fill = arguments.Get(1, null);
        var batches = new List<object?>();
        foreach (object?[] batch in Iteration.Items(context, value).Chunk((int)size))
        {
            int missing = fill is null ? 0 : (int)size - batch.Length;
            context.Charge(missing);
            batches.Add(new Sequence([.. batch, .. Enumerable.Repeat(fill, missing)]));
        }

        return new Sequence(batches, SequenceKind.Generator);
    }

    /// <summary>Pairs of a value of the attribute and the items that have it, in the order of the values.</summary>
    public static object? GroupBy(RenderContext context, object? value, BoundArguments arguments)
    {
        object? Grouping(object? item) => Pick(context, item, arguments[0]) is not Undefined and var found ? found : arguments.Get(1, null);
        var groups = new List<object?>();
        var members = new List<object?>();
        foreach (object? item in Ordered(context, Iteration.Items(context, value), item => Key(context, Grouping(item), arguments.Flag(2)), reverse: false))
        {
            if (members.Count > 0 && !Operations.AreEqual(context, Key(context, Grouping(members[0]), arguments.Flag(2)), Key(context, Grouping(item), arguments.Flag(2))))
            {
                groups.Add(Sequence.Tuple(Grouping(members[0]), new Sequence([.. members])));
                members.Clear();
            }

            members.Add(item);
        }

        if (members.Count > 0)
        {
            groups.Add(Sequence.Tuple(Grouping(members[0]), new Sequence(members)));
        }

        return new Sequence(groups);
    }

    private static object? Pick(RenderContext context, object? item, object? attribute) => attribute is null ? item : SelectionFilters.Attribute(context, item, attribute);

    /// <summary>Texts are compared without regard to case unless the template asks for it.</summary>
    private static object? Key(RenderContext context, object? value, bool caseSensitive)
    {
        context.ChargeText(value);
        return value is string text && !caseSensitive ? PythonText.Lower(text) : value;
    }

    private static List<object?> Ordered(RenderContext context, IReadOnlyList<object?> items, Func<object?, object?> key, bool reverse)
    {
        var comparer = Comparer<object?>.Create((a, b) => Operations.Compare(context, a, b));
        return [.. reverse ? items.OrderByDescending(key, comparer) : items.OrderBy(key, comparer)];
    }
}
