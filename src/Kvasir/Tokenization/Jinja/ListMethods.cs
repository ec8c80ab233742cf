namespace Kvasir.Tokenization.Jinja;

/// <summary>Methods of lists and tuples; those that would change one are refused.</summary>
internal static class ListMethods
{
    public static Callable? Find(Sequence list, string name) => name switch
    {
        _ when list.Kind == SequenceKind.Generator => null,
        "index" => new Function(name, ["value"], (context, a) => IndexOf(context, list, a[0])),
        "count" => new Function(name, ["value"], (context, a) => (long)list.Items.Count(item => Operations.AreEqual(context, item, a[0]))),
        "copy" => new Function(name, [], (_, _) => list),
        "append" or "extend" or "insert" or "pop" or "remove" or "clear" or "sort" or "reverse" =>
            new Function(name, (_, _) => throw new InvalidInputException($"{name}(): a template cannot change a list")),
        _ => null,
    };

    private static long IndexOf(RenderContext context, Sequence list, object? value)
    {
        for (int i = 0; i < list.Items.Count; i++)
        {
            if (Operations.AreEqual(context, list.Items[i], value))
            {
                return i;
            }
        }

        throw new InvalidInputException("index(): the value is not in the list");
    }
}
