namespace Kvasir.Tokenization.Jinja;

/// <summary>Running over a value, and looking for one in another.</summary>
internal static class Iteration
{
    /// <summary>Items of a list, keys of a dictionary, characters of a string; nothing of undefined. Generators are used up.</summary>
    /// <exception cref="InvalidInputException">The value cannot be run over.</exception>
    public static IEnumerable<object?> Items(RenderContext context, object? value) => value is Generator generator
        ? generator.Rest(context) : List(context, value);

    /// <inheritdoc cref="Items"/>
    public static IReadOnlyList<object?> List(RenderContext context, object? value)
    {
        context.Charge(value is string units ? units.Length : value is Sequence or Mapping ? Length(value) : 1);
        return value switch
        {
            Sequence sequence => sequence.Items,
            Generator generator => [.. generator.Rest(context)],
            Mapping mapping => [.. mapping.Keys],
            string text => PythonText.CodePoints(text),
            Undefined => [],
            _ => throw new InvalidInputException($"{Operations.TypeName(value)} cannot be run over"),
        };
    }

    public static bool CanRun(object? value) => value is string or Sequence or Generator or Mapping or Undefined;

    public static long Length(object? value) => value switch
    {
        string text => PythonText.Length(text),
        Sequence sequence => sequence.Items.Count,
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
