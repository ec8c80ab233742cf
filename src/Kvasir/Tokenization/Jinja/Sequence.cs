namespace Kvasir.Tokenization.Jinja;

internal enum SequenceKind
{
    List,
    Tuple,

    /// <summary>What filters such as <c>map</c> and <c>select</c> give: to be run over or turned into a list, always true.</summary>
    Generator,
}

/// <summary>A list, tuple or generator; never changed after it was made.</summary>
internal sealed class Sequence(IReadOnlyList<object?> items, SequenceKind kind = SequenceKind.List)
{
    public IReadOnlyList<object?> Items { get; } = items;

    public SequenceKind Kind { get; } = kind;

    public static Sequence Tuple(params object?[] items) => new(items, SequenceKind.Tuple);
}
