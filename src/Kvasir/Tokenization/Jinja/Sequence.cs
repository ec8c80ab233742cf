namespace Kvasir.Tokenization.Jinja;

internal enum SequenceKind
{
    List,
    Tuple,
    Range,

    /// <summary>What <c>keys()</c>, <c>values()</c> and <c>items()</c> of a dictionary give: it has a length but no places.</summary>
    View,
}

/// <summary>A list, tuple, range or dictionary view; never changed after it was made.</summary>
internal sealed class Sequence(IReadOnlyList<object?> items, SequenceKind kind = SequenceKind.List)
{
    /// <summary>The <see cref="Name"/> of a tuple that <c>groupby</c> makes.</summary>
    public const string Group = "group";

    public IReadOnlyList<object?> Items { get; } = items;

    public SequenceKind Kind { get; } = kind;

    /// <summary>What stands before a range or view when it is written, such as <c>dict_keys</c>.</summary>
    public string Name { get; init; } = "";

    public bool HasPlaces => Kind != SequenceKind.View;

    public static Sequence Tuple(params object?[] items) => new(items, SequenceKind.Tuple);
}

/// <summary>What filters such as <c>map</c> and <c>select</c> give: items that are made one by one, once.</summary>
internal sealed class Generator(string name, IEnumerable<object?> items)
{
    private readonly IEnumerator<object?> _source = items.GetEnumerator();

    public string Name => name;

    /// <summary>The items that nothing has taken yet. Generators over generators are as deep as calls.</summary>
    public IEnumerable<object?> Rest(RenderContext context)
    {
        while (true)
        {
            int line = context.Enter(context.Line);
            bool any = _source.MoveNext();
            context.Leave(line);
            if (!any) yield break;
            yield return _source.Current;
        }
    }
}
