namespace Kvasir.Tokenization.Jinja;

/// <summary>Attributes, items and slices. As in Jinja, <c>a.b</c> prefers methods and <c>a['b']</c> prefers items; what is missing is undefined.</summary>
internal static class Lookup
{
    public static object? Attribute(RenderContext context, object? target, string name) => target switch
    {
        Undefined undefined => throw undefined.Fail(),
        Mapping mapping => DictionaryMethods.Find(mapping, name) ?? (mapping.TryGet(name, out object? value) ? value : Undefined.Attribute(target, name)),
        string text => StringMethods.Find(text, name) ?? (object)Undefined.Attribute(target, name),
        Sequence sequence => ListMethods.Find(sequence, name) ?? (object)Undefined.Attribute(target, name),
        Namespace space => space[name],
        LoopState loop => loop.Attribute(name),
        _ => Undefined.Attribute(target, name),
    };

    public static object? Item(RenderContext context, object? target, object? key)
    {
        context.ChargeText(target);
        context.ChargeText(key);
        switch (target)
        {
            case Undefined undefined:
                throw undefined.Fail();
            case Mapping mapping when mapping.TryGet(key, out object? value):
                return value;
            case Sequence { Kind: not SequenceKind.Generator } sequence when Operations.TryInteger(key, out long index):
                index = index < 0 ? index + sequence.Items.Count : index;
                return index >= 0 && index < sequence.Items.Count ? sequence.Items[(int)index] : Undefined.Attribute(target, key);
            case string text when Operations.TryInteger(key, out long index):
                return Character(text, index) ?? (object)Undefined.Attribute(target, key);
            default:
                return key is string name ? Attribute(context, target, name) : Undefined.Attribute(target, key);
        }
    }

    /// <summary>Python's slice of a list or string; a bound may be None.</summary>
    public static object? Slice(RenderContext context, object? target, object? start, object? stop, object? step)
    {
        context.ChargeText(target);
        if (target is string text && !PythonText.HasSurrogates(text) && step is null or 1L)
        {
            (long from, long to, _) = Bounds(text.Length, start, stop, null);
            return to > from ? context.Text(text[(int)from..(int)to]) : "";
        }

        IReadOnlyList<object?> items = target switch
        {
            string characters => Iteration.Items(context, characters),
            Sequence { Kind: not SequenceKind.Generator } sequence => sequence.Items,
            Undefined undefined => throw undefined.Fail(),
            _ => throw new InvalidInputException($"{Operations.TypeName(target)} cannot be sliced"),
        };
        var result = new List<object?>();
        (long first, long end, long stride) = Bounds(items.Count, start, stop, step);
        for (long i = first; stride > 0 ? i < end : i > end; i += stride)
        {
            result.Add(items[(int)i]);
        }

        context.Charge(result.Count);
        return target is Sequence source ? new Sequence(result, source.Kind) : context.Text(string.Concat(result.Cast<string>()));
    }

    private static (long Start, long Stop, long Step) Bounds(int length, object? start, object? stop, object? step)
    {
        long stride = Bound(step) ?? 1;
        if (stride == 0)
        {
            throw new InvalidInputException("the step of a slice cannot be 0");
        }

        stride = Math.Clamp(stride, -int.MaxValue, int.MaxValue);
        (long lowest, long highest) = stride > 0 ? (0L, (long)length) : (-1L, length - 1L);
        long Clip(long? bound, long fallback) => bound is null ? fallback : Math.Clamp(bound < 0 ? bound.Value + length : bound.Value, lowest, highest);
        return (Clip(Bound(start), stride > 0 ? lowest : highest), Clip(Bound(stop), stride > 0 ? highest : lowest), stride);
    }

    private static long? Bound(object? value) => value is null
        ? null
        : Operations.TryInteger(value, out long bound) ? bound : throw new InvalidInputException($"a slice takes integers, not {Operations.TypeName(value)}");

    private static string? Character(string text, long index)
    {
        if (!PythonText.HasSurrogates(text))
        {
            index = index < 0 ? index + text.Length : index;
            return index >= 0 && index < text.Length ? text[(int)index].ToString() : null;
        }

        int length = PythonText.Length(text);
        index = index < 0 ? index + length : index;
        return index >= 0 && index < length ? PythonText.CodePoint(text, (int)index) : null;
    }
}
