namespace Kvasir.Tokenization.Jinja;

/// <summary>Filters over the items of a list or dictionary.</summary>
internal static class SequenceFilters
{
    public static object? Join(Call call)
    {
        RenderContext context = call.Context;
        Func<object?, object?> pick = SelectionFilters.Attribute(context, call.Get(1));
        IEnumerable<string> texts = Iteration.Items(context, call.Target).Select(item => Representation.Text(context, pick(item)));
        return StringMethods.Joined(context, Representation.Text(context, call.Get(0, "")), texts);
    }

    /// <summary>Key and value of each entry.</summary>
    public static object? Pairs(Call call) => call.Target switch
    {
        Mapping mapping => new Generator("generator object do_items", mapping.Pairs),
        Undefined => new Generator("generator object do_items", []),
        _ => throw call.FailTarget(),
    };

    public static object? Last(Call call) => call.Target is not Generator && Iteration.List(call.Context, call.Target) is var items
        ? items.Count > 0 ? items[^1] : new Undefined("there is no last item: the list is empty")
        : throw call.FailTarget();

    public static object? SortMapping(Call call)
    {
        int place = Array.IndexOf(["key", "value"], call.StringOr(1, "key"));
        if (place < 0) throw call.Fail("the argument 'by' must be 'key' or 'value'");
        object?[] pairs = [.. ((call.Target as Mapping) ?? throw call.FailTarget()).Pairs];
        object? Place(object? pair) => Key(call, ((Sequence)pair!).Items[place], call.Flag(0));
        return new Sequence(Operations.Sorted(call.Context, pairs, Place, call.Flag(2)));
    }

    /// <summary>By one attribute, or by several with commas between.</summary>
    public static object? Sort(Call call)
    {
        object?[] attributes = call.Get(2) is string several ? several.Split(',') : [call.Get(2)];
        Func<object?, object?>[] picks = [.. attributes.Select(attribute => SelectionFilters.Attribute(call.Context, attribute))];
        return new Sequence(Operations.Sorted(
            call.Context,
            Iteration.List(call.Context, call.Target),
            item => new Sequence([.. picks.Select(pick => Key(call, pick(item), call.Flag(1)))]),
            call.Flag(0)));
    }

    public static object? Unique(Call call)
    {
        var seen = new Mapping();
        Func<object?, object?> key = KeyOf(call, call.Get(1), call.Flag(0));
        return new Generator("generator object sync_do_unique", Iteration.Items(call.Context, call.Target).Where(item =>
        {
            object? value = key(item);
            bool isNew = !seen.TryGet(value, out _);
            if (isNew) seen.Set(value, null);
            return isNew;
        }));
    }

    public static object? Reverse(Call call) => call.Target is string
        ? Lookup.Slice(call.Context, call.Target, null, null, -1L)
        : call.Target is Generator ? new Sequence([.. Iteration.List(call.Context, call.Target).Reverse()])
        : new Generator("list_reverseiterator object", Iteration.List(call.Context, call.Target).Reverse());

    /// <summary>The smallest or largest item, the first of equals; undefined where there is none.</summary>
    public static object? Extreme(Call call, int sign)
    {
        Func<object?, object?> key = KeyOf(call, call.Get(1), call.Flag(0));
        object? best = new Undefined("there is no smallest or largest item: the list is empty"), bestKey = null;
        bool any = false;
        foreach (object? item in Iteration.Items(call.Context, call.Target))
        {
            object? itemKey = key(item);
            if (!any || Operations.Compare(call.Context, itemKey, bestKey) * sign > 0) (best, bestKey) = (item, itemKey);
            any = true;
        }

        return best;
    }

    public static object? Sum(Call call)
    {
        Func<object?, object?> pick = SelectionFilters.Attribute(call.Context, call.Get(0));
        return Iteration.Items(call.Context, call.Target)
            .Aggregate(call.Get(1, 0L), (total, item) => Arithmetic.Apply(call.Context, "+", total, pick(item)));
    }

    /// <summary>Lists of so many items each.</summary>
    public static object? Batch(Call call)
    {
        long size = call.Integer(0);
        return new Generator("generator object do_batch", Batches());

        IEnumerable<object?> Batches()
        {
            var batch = new List<object?>();
            foreach (object? item in Iteration.Items(call.Context, call.Target))
            {
                if (batch.Count == size)
                {
                    yield return new Sequence(batch);
                    batch = [];
                }

                batch.Add(item);
            }

            if (batch.Count > 0) yield return new Sequence([.. batch, .. Fill(call, call.Get(1) is null ? 0 : size - batch.Count)]);
        }
    }

    /// <summary>So many lists, the first ones longer by one where the items do not come out even.</summary>
    public static object? Slice(Call call)
    {
        IReadOnlyList<object?> items = Iteration.List(call.Context, call.Target);
        long slices = call.Integer(0);
        if (slices <= 0) return slices < 0 ? new Sequence([]) : throw call.Fail("the number of slices cannot be 0");
        call.Context.ChargeItems(slices);
        (int least, int longer) = ((int)(items.Count / slices), (int)(items.Count % slices));
        return new Generator("generator object sync_do_slice", Enumerable.Range(0, (int)slices).Select(i => (object?)new Sequence(
        [
            .. items.Skip((i * least) + Math.Min(i, longer)).Take(least + (i < longer ? 1 : 0)),
            .. Fill(call, call.Get(1) is not null && i >= longer ? 1 : 0),
        ])));
    }

    /// <summary>Pairs of a value of the attribute and the items that have it, in the order of the values.</summary>
    public static object? GroupBy(Call call)
    {
        Func<object?, object?> pick = SelectionFilters.Attribute(call.Context, call[0], call.Get(1));
        object? Grouping(object? item) => Key(call, pick(item), call.Flag(2));
        var groups = new List<object?>();
        var members = new List<object?>();
        void Close() => groups.Add(new Sequence([pick(members[0]), new Sequence(members)], SequenceKind.Tuple) { Name = Sequence.Group });
        foreach (object? item in Operations.Sorted(call.Context, Iteration.List(call.Context, call.Target), Grouping))
        {
            if (members.Count > 0 && !Operations.AreEqual(call.Context, Grouping(members[0]), Grouping(item)))
            {
                Close();
                members = [];
            }

            members.Add(item);
        }

        if (members.Count > 0) Close();
        return new Sequence(groups);
    }

    private static IEnumerable<object?> Fill(Call call, long count)
    {
        call.Context.ChargeItems(Math.Max(0, count));
        return Enumerable.Repeat(call.Get(1), (int)Math.Max(0, count));
    }

    private static Func<object?, object?> KeyOf(Call call, object? attribute, bool caseSensitive)
    {
        Func<object?, object?> pick = SelectionFilters.Attribute(call.Context, attribute);
        return item => Key(call, pick(item), caseSensitive);
    }

    /// <summary>Texts are compared without regard to case unless the template asks for it.</summary>
    private static object? Key(Call call, object? value, bool caseSensitive)
    {
        call.Context.ChargeText(value);
        return value is string text && !caseSensitive ? LetterCase.Lower(text) : value;
    }
}
