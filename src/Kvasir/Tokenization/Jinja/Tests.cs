namespace Kvasir.Tokenization.Jinja;

/// <summary>The tests that templates can use after <c>is</c>, by name.</summary>
internal static class Tests
{
    public static readonly BuiltinTable Table = new("test '{0}'")
    {
        { "boolean", "", c => c.Target is bool },
        { "callable", "", c => c.Target is Callable or Undefined },
        { "defined", "", c => c.Target is not Undefined },
        { "divisibleby", "num", c => HasRemainder(c, c[0], 0L) },
        { "eq equalto ==", "other", c => Operations.Holds(c.Context, "==", c.Target, c[0]) },
        { "escaped", "", _ => false },
        { "even", "", c => HasRemainder(c, 2L, 0L) },
        { "false", "", c => c.Target is false },
        { "filter", "", c => c.Target is string name && Filters.Table.Find(name) is not null },
        { "float", "", c => c.Target is double },
        { "ge >=", "other", c => Operations.Holds(c.Context, ">=", c.Target, c[0]) },
        { "gt greaterthan >", "other", c => Operations.Holds(c.Context, ">", c.Target, c[0]) },
        { "in", "seq", c => Iteration.Contains(c.Context, c[0], c.Target) },
        { "integer", "", c => c.Target is not bool && Numbers.TryInteger(c.Target, out _) },
        { "iterable", "", c => Iteration.CanRun(c.Target) },
        { "le <=", "other", c => Operations.Holds(c.Context, "<=", c.Target, c[0]) },
        { "lower", "", c => LetterCase.IsLower(c.Text) },
        { "lt lessthan <", "other", c => Operations.Holds(c.Context, "<", c.Target, c[0]) },
        { "mapping", "", c => c.Target is Mapping },
        { "ne !=", "other", c => Operations.Holds(c.Context, "!=", c.Target, c[0]) },
        { "none", "", c => c.Target is null },
        { "number", "", c => Numbers.IsNumber(c.Target) },
        { "odd", "", c => HasRemainder(c, 2L, 1L) },
        { "sameas", "other", c => IsSame(c.Target, c[0]) },
        { "sequence", "", c => c.Target is string or Mapping or Undefined or Sequence { HasPlaces: true } },
        { "string", "", c => c.Target is string },
        { "test", "", c => c.Target is string name && Table!.Find(name) is not null },
        { "true", "", c => c.Target is true },
        { "undefined", "", c => c.Target is Undefined },
        { "upper", "", c => LetterCase.IsUpper(c.Text) },
    };

    private static bool IsSame(object? left, object? right) => left is null or bool or long or string
        ? Equals(left, right) : ReferenceEquals(left, right);

    private static bool HasRemainder(Call call, object? divisor, long wanted) =>
        Numbers.Compare(Arithmetic.Apply(call.Context, "%", call.Target, divisor), wanted) == 0;
}
