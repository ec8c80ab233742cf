namespace Kvasir.Training.Demonstration;

/// <summary>A type of value, such as <c>person</c> or <c>money</c>.</summary>
/// <param name="Name">How braces name it.</param>
/// <param name="Lines">Its alternatives, by line.</param>
/// <param name="IsSticky">Whether a document keeps to one line: to one currency, say, or one way of writing the time.</param>
/// <param name="HasUnseen">Whether some of its values are kept from training.</param>
/// <param name="MayRepeat">Whether a value may stand in a prompt twice.</param>
internal sealed record ValueType(string Name, List<string[]> Lines, bool IsSticky, bool HasUnseen, bool MayRepeat)
{
    public string[] All => field ??= [.. Lines.SelectMany(line => line)];
}

/// <summary>
/// What values look like, from <c>values.txt</c>: under <c>[type flags]</c> stand alternatives between bars, which name other types, or
/// subjects of the document, in braces (<see cref="Wording"/>).
/// </summary>
internal sealed class ValueGrammar
{
    private readonly Dictionary<string, ValueType> _types = new(StringComparer.Ordinal);

    private ValueGrammar(IEnumerable<string> lines)
    {
        ValueType? type = null;
        foreach (string line in lines)
        {
            if (line[0] != '[') type!.Lines.Add(line.Split('|'));
            else
            {
                string[] heading = line.Trim('[', ']').Split(' ');
                type = new ValueType(heading[0], [], heading.Contains("sticky"), heading.Contains("unseen"), heading.Contains("repeat"));
                _types.Add(type.Name, type);
            }
        }
    }

    public static ValueGrammar Shared { get; } = new(EmbeddedText.Lines("values.txt"));

    public ValueType this[string name] =>
        _types.GetValueOrDefault(name) ?? throw new InvalidOperationException($"there is no type of value named {name}");
}
