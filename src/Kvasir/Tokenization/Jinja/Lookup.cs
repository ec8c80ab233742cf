namespace Kvasir.Tokenization.Jinja;

/// <summary>Attributes, items and slices: <c>a.b</c> prefers methods, <c>a['b']</c> items; what is missing is undefined.</summary>
internal static class Lookup
{
    public static object? Attribute(RenderContext context, object? target, string name) =>
        OwnAttribute(context, target, name, out object? found) ? found
        : target is Mapping mapping && mapping.TryGet(name, out object? value) ? value
        : Undefined.Attribute(target, name);

    /// <summary>A method, or an attribute of a namespace, loop or group; not an item of a dictionary.</summary>
    public static bool OwnAttribute(RenderContext context, object? target, string name, out object? found)
    {
        if (target is Undefined undefined) throw undefined.Fail();
        if (target is Namespace space) return space.TryGet(name, out found);
        if (target is Sequence { Name: Sequence.Group } group && (name is "grouper" or "list"))
        {
            found = group.Items[name == "list" ? 1 : 0];
            return true;
        }

        Builtin? method = target switch
        {
            string => StringMethods.Table.Find(name),
            Mapping => ContainerMethods.OfMappings.Find(name),
            Sequence { HasPlaces: true } => ContainerMethods.OfLists.Find(name),
            double => ContainerMethods.OfFloats.Find(name),
            _ => null,
        };
        found = method is not null ? new Function(method, target) : (target as Callable)?.Attribute(context, name);
        return found is not null;
    }

    public static object? Item(RenderContext context, object? target, object? key)
    {
        context.ChargeText(target);
        context.ChargeText(key);
        switch (target)
        {
            case Undefined undefined:
                throw undefined.Fail();
            case Mapping mapping when Mapping.IsKey(key) && mapping.TryGet(key, out object? value):
                return value;
            case Sequence { HasPlaces: true } sequence when Numbers.TryLong(key, out long index):
                index = index < 0 ? index + sequence.Items.Count : index;
                return index >= 0 && index < sequence.Items.Count ? sequence.Items[(int)index] : Undefined.Attribute(target, key);
            case string text when Numbers.TryLong(key, out long index):
                return PythonText.CodePoint(text, index) ?? (object)Undefined.Attribute(target, key);
            default:
                return key is string name ? Attribute(context, target, name) : Undefined.Attribute(target, key);
        }
    }

    /// <summary>Python's slice of a list or string; a bound may be None.</summary>
    public static object? Slice(RenderContext context, object? target, object? start, object? stop, object? step)
    {
        context.ChargeText(target);
        if (target is Undefined undefined) throw undefined.Fail();
        if (target is not (string or Sequence { HasPlaces: true }))
            throw new InvalidInputException($"{Operations.TypeName(target)} cannot be sliced");
        if (target is string text && step is null or 1L)
        {
            (int from, int to) = PythonText.Range(text, start, stop);
            return context.Text(text[from..to]);
        }

        IReadOnlyList<object?> items = target is Sequence list ? list.Items : Iteration.List(context, target);
        (long first, long end, long stride) = Bounds(items.Count, start, stop, step);
        long count = stride > 0 ? Math.Max(0, (end - first + stride - 1) / stride) : Math.Max(0, (first - end - stride - 1) / -stride);
        context.ChargeItems(count);
        IEnumerable<object?> result = Enumerable.Range(0, (int)count).Select(i => items[(int)(first + (i * stride))]);
        return target is Sequence source ? new Sequence([.. result], source.Kind) : context.Text(string.Concat(result.Cast<string>()));
    }

    /// <summary>What a slice of <paramref name="length"/> items covers.</summary>
    public static (long Start, long Stop, long Step) Bounds(int length, object? start, object? stop, object? step = null)
    {
        long stride = Math.Clamp(Bound(step) ?? 1, -int.MaxValue, int.MaxValue);
        if (stride == 0) throw new InvalidInputException("the step of a slice cannot be 0");
        (long lowest, long highest) = stride > 0 ? (0L, (long)length) : (-1L, length - 1L);
        long Clip(long? bound, long fallback) => bound is null
            ? fallback : Math.Clamp(bound < 0 ? bound.Value + length : bound.Value, lowest, highest);
        return (Clip(Bound(start), stride > 0 ? lowest : highest), Clip(Bound(stop), stride > 0 ? highest : lowest), stride);
    }

    private static long? Bound(object? value) => value is null ? null
        : Numbers.TryInteger(value, out System.Numerics.BigInteger bound)
            ? (long)System.Numerics.BigInteger.Clamp(bound, int.MinValue, int.MaxValue)
        : throw new InvalidInputException($"a place in a list or string must be an integer, not {Operations.TypeName(value)}");
}
