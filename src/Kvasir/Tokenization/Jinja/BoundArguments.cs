namespace Kvasir.Tokenization.Jinja;

/// <summary>Arguments of a built-in filter, test, method or function, in the order of its parameters.</summary>
internal sealed class BoundArguments
{
    private static readonly object s_missing = new();

    private readonly string _function;
    private readonly string[] _parameters;
    private readonly object?[] _values;

    /// <exception cref="InvalidInputException">Too many arguments, or one of an unknown name.</exception>
    public BoundArguments(string function, string[] parameters, Arguments arguments)
    {
        _function = function;
        _parameters = parameters;
        _values = new object?[parameters.Length];
        Array.Fill(_values, s_missing);
        if (arguments.Positional.Count > parameters.Length)
        {
            throw new InvalidInputException($"{function} takes at most {parameters.Length} arguments, {arguments.Positional.Count} are given");
        }

        for (int i = 0; i < arguments.Positional.Count; i++)
        {
            _values[i] = arguments.Positional[i];
        }

        foreach ((string name, object? value) in arguments.Named)
        {
            int index = Array.IndexOf(parameters, name);
            _values[index >= 0 ? index : throw new InvalidInputException($"{function} has no argument '{name}'")] = value;
        }
    }

    public bool Has(int index) => !ReferenceEquals(_values[index], s_missing);

    public object? this[int index] => Has(index) ? _values[index] : throw new InvalidInputException($"{_function} needs the argument '{_parameters[index]}'");

    public object? Get(int index, object? fallback) => Has(index) ? _values[index] : fallback;

    public bool Flag(int index, bool fallback = false) => Has(index) ? Operations.IsTrue(_values[index]) : fallback;

    /// <summary>A string, or null where it is missing or None.</summary>
    public string? TextOrNull(int index) => Has(index) && _values[index] is not null ? Text(index) : null;

    public string Text(int index) => this[index] as string ?? throw Wrong(index, "a string");

    public long Integer(int index, long? fallback = null) => Has(index) || fallback is null
        ? this[index] switch { long number => number, bool flag => flag ? 1 : 0, _ => throw Wrong(index, "an integer") }
        : fallback.Value;

    private InvalidInputException Wrong(int index, string wanted) =>
        new($"{_function}: the argument '{_parameters[index]}' must be {wanted}, not {Operations.TypeName(_values[index])}");
}
