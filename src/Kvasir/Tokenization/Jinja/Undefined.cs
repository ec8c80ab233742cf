namespace Kvasir.Tokenization.Jinja;

/// <summary>A name, attribute or item that is not there: prints nothing, is false and empty, and is an error to use in any other way.</summary>
internal sealed class Undefined(string description)
{
    /// <summary>What is missing, as a sentence.</summary>
    public string Description { get; } = description;

    public static Undefined Name(string name) => new($"'{name}' is undefined");

    public static Undefined Attribute(object? target, object? name) =>
        new($"{Operations.TypeName(target)} has no attribute or item {(name is string text ? Representation.Quote(text) : name is long index ? index.ToString(CultureInfo.InvariantCulture) : "of this kind")}");

    public InvalidInputException Fail() => new(Description);
}
