namespace Kvasir.Tokenization.Jinja;

/// <summary>What a call passes: positional, then named arguments.</summary>
internal sealed record Arguments(IReadOnlyList<object?> Positional, IReadOnlyDictionary<string, object?> Named)
{
    public static readonly Arguments None = new([], new Dictionary<string, object?>());

    /// <summary>The same arguments without the first <paramref name="count"/> positional ones.</summary>
    public Arguments Skip(int count) => this with { Positional = [.. Positional.Skip(count)] };

    /// <summary>The same arguments with one more named one.</summary>
    public Arguments With(string name, object? value) =>
        this with { Named = new Dictionary<string, object?>(Named, StringComparer.Ordinal) { [name] = value } };
}

/// <summary>The arguments of a call as written; stars spread a list into positional and a dictionary into named ones.</summary>
internal sealed class ArgumentList
{
    public static readonly ArgumentList Empty = new();

    public List<Expression> Positional { get; } = [];

    public List<KeyValuePair<string, Expression>> Named { get; } = [];

    /// <summary>What stands after <c>*</c>.</summary>
    public Expression? List { get; set; }

    /// <summary>What stands after <c>**</c>.</summary>
    public Expression? Mapping { get; set; }

    public Arguments Evaluate(RenderContext context)
    {
        if (ReferenceEquals(this, Empty)) return Arguments.None;
        List<object?> positional = [.. Positional.Select(value => value.Evaluate(context))];
        if (List is not null) positional.AddRange(Iteration.List(context, List.Evaluate(context)));
        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach ((string name, Expression value) in Named) named[name] = value.Evaluate(context);
        if (Mapping is not null)
        {
            Mapping entries = Mapping.Evaluate(context) as Mapping
                ?? throw new InvalidInputException("what stands after ** in a call must be a dictionary");
            context.ChargeItems(entries.Count);
            foreach ((object? name, object? value) in entries.Entries)
                named[name as string ?? throw new InvalidInputException("names of arguments must be strings")] = value;
        }

        return new Arguments(positional, named);
    }
}

/// <summary>A filter with its arguments, to be applied to a value.</summary>
internal sealed record FilterStep(string Name, ArgumentList Arguments)
{
    public object? Apply(RenderContext context, object? value) =>
        Filters.Table.Require(Name).Invoke(context, value, Arguments.Evaluate(context));
}
