namespace Kvasir.Tokenization.Jinja;

/// <summary>The tests that templates can use after <c>is</c>, by name.</summary>
internal static class Tests
{
    private delegate bool Body(RenderContext context, object? value, Arguments arguments);

    private static readonly Dictionary<string, Body> s_byName = Register();

    public static bool Exists(string name) => s_byName.ContainsKey(name);

    public static bool Holds(RenderContext context, string name, object? value, Arguments arguments)
    {
        context.ChargeText(value);
        return s_byName.TryGetValue(name, out Body? test) ? test(context, value, arguments) : throw new InvalidInputException($"there is no test '{name}'");
    }

    private static Dictionary<string, Body> Register()
    {
        var tests = new Dictionary<string, Body>(StringComparer.Ordinal);

        void Add(string name, Func<object?, bool> body) => tests[name] = (_, value, _) => body(value);

        Add("defined", value => value is not Undefined);
        Add("undefined", value => value is Undefined);
        Add("none", value => value is null);
        Add("boolean", value => value is bool);
        Add("true", value => value is true);
        Add("false", value => value is false);
        Add("integer", value => value is long);
        Add("float", value => value is double);
        Add("number", value => value is long or double or bool);
        Add("string", value => value is string);
        Add("mapping", value => value is Mapping);
        Add("iterable", value => value is string or Sequence or Mapping or Undefined);
        Add("sequence", value => value is string or Mapping or Undefined or Sequence { Kind: not SequenceKind.Generator });
        Add("callable", value => value is Callable);
        Add("escaped", _ => false);
        Add("lower", value => value is string text && text.Any(char.IsLetter) && PythonText.Lower(text) == text);
        Add("upper", value => value is string text && text.Any(char.IsLetter) && PythonText.Upper(text) == text);
        Add("filter", value => value is string name && Filters.Exists(name));
        Add("test", value => value is string name && Exists(name));
        Add("odd", value => Remainder(value, 2) == 1);
        Add("even", value => Remainder(value, 2) == 0);
        tests["divisibleby"] = (context, value, arguments) => Remainder(value, Other("divisibleby", arguments) as long? ?? throw new InvalidInputException("divisibleby needs an integer")) == 0;
        tests["sameas"] = (_, value, arguments) => IsSame(value, Other("sameas", arguments));
        AddComparison(tests, "==", "eq", "equalto", "==");
        AddComparison(tests, "!=", "ne", "!=");
        AddComparison(tests, "<", "lt", "lessthan", "<");
        AddComparison(tests, "<=", "le", "<=");
        AddComparison(tests, ">", "gt", "greaterthan", ">");
        AddComparison(tests, ">=", "ge", ">=");
        AddComparison(tests, "in", "in");
        return tests;
    }

    private static void AddComparison(Dictionary<string, Body> tests, string operation, params string[] names)
    {
        foreach (string name in names)
        {
            tests[name] = (context, value, arguments) => ComparisonExpression.Holds(context, operation, value, Other(name, arguments));
        }
    }

    private static object? Other(string name, Arguments arguments) =>
        arguments.Positional.Count == 1 ? arguments.Positional[0] : throw new InvalidInputException($"the test '{name}' needs one argument");

    private static bool IsSame(object? left, object? right) => left is null or bool or long or string ? Equals(left, right) : ReferenceEquals(left, right);

    private static long Remainder(object? value, long divisor)
    {
        if (value is Undefined undefined)
        {
            throw undefined.Fail();
        }

        if (!Operations.TryInteger(value, out long integer))
        {
            throw new InvalidInputException($"{Operations.TypeName(value)} is not an integer");
        }

        return divisor switch
        {
            0 => throw new InvalidInputException("division by zero"),
            -1 => 0,
            _ => Math.Abs(integer % divisor),
        };
    }
}
