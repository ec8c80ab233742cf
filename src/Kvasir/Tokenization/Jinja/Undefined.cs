namespace Kvasir.Tokenization.Jinja;

/// <summary>A name, attribute or item that is not there: prints nothing, is false and empty; any other use is an error.</summary>
internal sealed class Undefined(string description)
{
    /// <summary>What is missing, as a sentence.</summary>
    public string Description { get; } = description;

    public static Undefined Name(string name) => new($"'{name}' is undefined");

    public static Undefined Attribute(object? target, object? name)
    {
        string place = name is string text ? Representation.Quote(text) : name is long index ? $"{index}" : "of this kind";
        return new($"{Operations.TypeName(target)} has no attribute or item {place}");
    }

    public InvalidInputException Fail() => new(Description);
}
