using System.Collections;

namespace Kvasir.Tokenization.Jinja;

/// <summary>A filter, test, method or function of the language.</summary>
/// <param name="title">What it is called in messages.</param>
/// <param name="name">Its name.</param>
/// <param name="parameters">
/// Names of its parameters with blanks between; a question mark ends one that may be left out; <c>*</c> alone takes any arguments.
/// </param>
/// <param name="body">What it does.</param>
internal sealed class Builtin(string title, string name, string parameters, Func<Call, object?> body)
{
    private static readonly object s_missing = new();

    private readonly bool _takesAny = parameters == "*";
    private readonly string[] _parameters = parameters.Replace("?", "", StringComparison.Ordinal)
        .Split(' ', StringSplitOptions.RemoveEmptyEntries);
    private readonly int _required = parameters.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Count(parameter => !parameter.EndsWith('?'));

    public string Name => name;

    /// <summary>The one door to all that is built in: texts that it reads are charged before, a text that it makes after.</summary>
    public object? Invoke(RenderContext context, object? target, Arguments arguments)
    {
        context.ChargeText(target);
        foreach (object? argument in arguments.Positional) context.ChargeText(argument);
        foreach (object? argument in arguments.Named.Values) context.ChargeText(argument);
        object? result = body(new Call(context, this, target, arguments, _takesAny ? [] : Bind(arguments)));
        return result is string text ? context.Text(text) : result;
    }

    public static bool IsMissing(object? value) => ReferenceEquals(value, s_missing);

    public InvalidInputException Wrong(int parameter, string wanted, object? value) =>
        new($"{title}: the argument '{_parameters[parameter]}' must be {wanted}, not {Operations.TypeName(value)}");

    public InvalidInputException Fail(string problem) => new($"{title}: {problem}");

    private object?[] Bind(Arguments arguments)
    {
        var values = new object?[_parameters.Length];
        Array.Fill(values, s_missing);
        if (arguments.Positional.Count > values.Length)
            throw new InvalidInputException($"{title} takes at most {values.Length} arguments, {arguments.Positional.Count} are given");

        for (int i = 0; i < arguments.Positional.Count; i++) values[i] = arguments.Positional[i];
        foreach ((string name, object? value) in arguments.Named)
        {
            int index = Array.IndexOf(_parameters, name);
            values[index >= 0 ? index : throw new InvalidInputException($"{title} has no argument '{name}'")] = value;
        }

        int missing = Array.FindIndex(values, 0, _required, IsMissing);
        return missing < 0 ? values : throw new InvalidInputException($"{title} needs the argument '{_parameters[missing]}'");
    }
}

/// <summary>One use of a built-in: what it is applied to, and its arguments in the order of its parameters.</summary>
internal sealed class Call(RenderContext context, Builtin builtin, object? target, Arguments given, object?[] values)
{
    public RenderContext Context => context;

    /// <summary>The value that is filtered or tested, or whose method this is.</summary>
    public object? Target => target;

    /// <summary>The arguments as they were given, for what takes any.</summary>
    public Arguments Given => given;

    /// <summary>The target as text.</summary>
    public string Text => Representation.Text(context, target);

    public object? this[int index] => values[index];

    public bool Has(int index) => !Builtin.IsMissing(values[index]);

    public object? Get(int index, object? fallback = null) => Has(index) ? values[index] : fallback;

    public bool Flag(int index, bool fallback = false) => Has(index) ? Operations.IsTrue(values[index]) : fallback;

    public string String(int index) => values[index] as string ?? throw builtin.Wrong(index, "a string", values[index]);

    /// <summary>A string, or <paramref name="fallback"/> where it is missing or None.</summary>
    public string? StringOr(int index, string? fallback = null) => Get(index) is null ? fallback : String(index);

    public long Integer(int index) => Numbers.TryLong(values[index], out long number)
        ? number : throw builtin.Wrong(index, "an integer", values[index]);

    /// <summary>An integer, or <paramref name="fallback"/> where it is missing or None.</summary>
    public long Integer(int index, long fallback) => Get(index) is null ? fallback : Integer(index);

    public InvalidInputException Fail(string problem) => builtin.Fail(problem);

    /// <summary>As <see cref="Fail"/>, for a target of a kind that this does not work on.</summary>
    public InvalidInputException FailTarget() => target is Undefined undefined
        ? undefined.Fail() : Fail($"it does not work on {Operations.TypeName(target)}");
}

/// <summary>Built-ins of one kind by name.</summary>
/// <param name="title">What one is called in messages, with {0} for its name.</param>
internal sealed class BuiltinTable(string title) : IEnumerable
{
    private readonly Dictionary<string, Builtin> _byName = new(StringComparer.Ordinal);

    /// <param name="names">Its name; further ones after blanks.</param>
    /// <param name="parameters">As for <see cref="Builtin"/>.</param>
    /// <param name="body">What it does.</param>
    public void Add(string names, string parameters, Func<Call, object?> body)
    {
        foreach (string name in names.Split(' ')) _byName[name] = new Builtin(Title(name), name, parameters, body);
    }

    public Builtin? Find(string name) => _byName.GetValueOrDefault(name);

    public Builtin Require(string name) => Find(name) ?? throw new InvalidInputException($"there is no {Title(name)}");

    public IEnumerator GetEnumerator() => _byName.Values.GetEnumerator();

    private string Title(string name) => title.Replace("{0}", name, StringComparison.Ordinal);
}
