namespace Kvasir.Tokenization.Jinja;

/// <summary>Running over a value, and looking for one in another.</summary>
internal static class Iteration
{
    /// <summary>Items of a list, keys of a dictionary, characters of a string; nothing where the value is undefined.</summary>
    /// <exception cref="InvalidInputException">The value cannot be run over.</exception>
    public static IReadOnlyList<object?> Items(RenderContext context, object? value)
    {
        context.Charge((value as string)?.Length ?? 0);
        IReadOnlyList<object?> items = value switch
        {
            Sequence sequence => sequence.Items,
            Mapping mapping => [.. mapping.Keys],
            string text => PythonText.CodePoints(text),
            Undefined => [],
            _ => throw new InvalidInputException($"{Operations.TypeName(value)} cannot be run over"),
        };
        context.Charge(items.Count);
        return items;
    }

    public static long Length(RenderContext context, object? value)
    {
        context.ChargeText(value);
        return Length(value);
    }

    private static long Length(object? value) => value switch
    {
        string text => PythonText.Length(text),
        Sequence { Kind: not SequenceKind.Generator } sequence => sequence.Items.Count,
        Mapping mapping => mapping.Count,
        Undefined => 0,
        _ => throw new InvalidInputException($"{Operations.TypeName(value)} has no length"),
    };

    public static bool Contains(RenderContext context, object? container, object? item)
    {
        switch (container)
        {
            case string text:
                string part = item as string ?? throw new InvalidInputException($"a string cannot hold {Operations.TypeName(item)}");
                context.ChargeSearch(text, part);
                return text.Contains(part, StringComparison.Ordinal);
            case Mapping mapping:
                context.ChargeText(item);
                return mapping.TryGet(item, out _);
            default:
                return Items(context, container).Any(each => Operations.AreEqual(context, each, item));
        }
    }
}
