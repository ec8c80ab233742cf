namespace Kvasir.Tokenization.Jinja;

/// <summary>
/// Python's truth, equality and order of template values. A value is null (None), <see cref="bool"/>, <see cref="long"/>,
/// <see cref="double"/>, <see cref="string"/>, <see cref="Sequence"/>, <see cref="Mapping"/>, <see cref="Namespace"/>,
/// <see cref="LoopState"/>, <see cref="Callable"/> or <see cref="Undefined"/>.
/// </summary>
internal static class Operations
{
    /// <summary>How deeply lists and dictionaries may be nested in a value that is compared or printed.</summary>
    public const int MaxValueDepth = 200;

    public static string TypeName(object? value) => value switch
    {
        null => "None",
        bool => "a boolean",
        long => "an integer",
        double => "a float",
        string => "a string",
        Sequence { Kind: SequenceKind.List } => "a list",
        Sequence { Kind: SequenceKind.Tuple } => "a tuple",
        Sequence => "a generator",
        Mapping => "a dictionary",
        Namespace => "a namespace",
        LoopState => "the loop",
        Callable callable => $"the function '{callable.Name}'",
        Undefined => "an undefined value",
        _ => "a value",
    };

    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        Sequence sequence => sequence.Kind == SequenceKind.Generator || sequence.Items.Count > 0,
        Mapping mapping => mapping.Count > 0,
        _ => true,
    };

    public static bool TryNumber(object? value, out double number)
    {
        (bool isNumber, number) = value switch
        {
            bool flag => (true, flag ? 1.0 : 0.0),
            long integer => (true, integer),
            double real => (true, real),
            _ => (false, 0.0),
        };
        return isNumber;
    }

    public static bool TryInteger(object? value, out long integer)
    {
        (bool isInteger, integer) = value switch
        {
            bool flag => (true, flag ? 1L : 0L),
            long number => (true, number),
            _ => (false, 0L),
        };
        return isInteger;
    }

    public static bool AreEqual(RenderContext? context, object? left, object? right, int depth = 0)
    {
        context?.Charge(1);
        if (depth > MaxValueDepth)
        {
            throw TooDeep();
        }

        if (TryInteger(left, out long leftInteger) && TryInteger(right, out long rightInteger))
        {
            return leftInteger == rightInteger;
        }

        if (TryNumber(left, out double leftNumber) && TryNumber(right, out double rightNumber))
        {
            return leftNumber == rightNumber;
        }

        return (left, right) switch
        {
            (string a, string b) => TextsAreEqual(context, a, b),
            (Sequence { Kind: not SequenceKind.Generator } a, Sequence b) => a.Kind == b.Kind && SequencesAreEqual(context, a, b, depth),
            (Mapping a, Mapping b) => a.Count == b.Count && a.Entries.All(entry => b.TryGet(entry.Key, out object? other) && AreEqual(context, entry.Value, other, depth + 1)),
            (Undefined, Undefined) => true,
            _ => ReferenceEquals(left, right),
        };
    }

    public static InvalidInputException TooDeep() => new($"a value is nested more than {MaxValueDepth} levels deep");

    /// <summary>Negative where <paramref name="left"/> comes before <paramref name="right"/>.</summary>
    /// <exception cref="InvalidInputException">The two have no order.</exception>
    public static int Compare(RenderContext context, object? left, object? right, int depth = 0)
    {
        context.Charge(1);
        if (depth > MaxValueDepth)
        {
            throw TooDeep();
        }

        if (TryInteger(left, out long leftInteger) && TryInteger(right, out long rightInteger))
        {
            return leftInteger.CompareTo(rightInteger);
        }

        if (TryNumber(left, out double leftNumber) && TryNumber(right, out double rightNumber))
        {
            return leftNumber.CompareTo(rightNumber);
        }

        return (left, right) switch
        {
            (string a, string b) => CompareTexts(context, a, b),
            (Sequence { Kind: not SequenceKind.Generator } a, Sequence b) when a.Kind == b.Kind => CompareSequences(context, a, b, depth),
            (Undefined undefined, _) => throw undefined.Fail(),
            (_, Undefined undefined) => throw undefined.Fail(),
            _ => throw new InvalidInputException($"{TypeName(left)} and {TypeName(right)} cannot be put in order"),
        };
    }

    private static bool TextsAreEqual(RenderContext? context, string left, string right)
    {
        if (left.Length != right.Length)
        {
            return false;
        }

        context?.ChargeText(left);
        return string.Equals(left, right, StringComparison.Ordinal);
    }

    private static int CompareTexts(RenderContext context, string left, string right)
    {
        context.ChargeText(left.Length < right.Length ? left : right);
        return PythonText.Compare(left, right);
    }

    private static bool SequencesAreEqual(RenderContext? context, Sequence left, Sequence right, int depth)
    {
        if (left.Items.Count != right.Items.Count)
        {
            return false;
        }

        for (int i = 0; i < left.Items.Count; i++)
        {
            if (!AreEqual(context, left.Items[i], right.Items[i], depth + 1))
            {
                return false;
            }
        }

        return true;
    }

    private static int CompareSequences(RenderContext context, Sequence left, Sequence right, int depth)
    {
        for (int i = 0; i < Math.Min(left.Items.Count, right.Items.Count); i++)
        {
            if (!AreEqual(context, left.Items[i], right.Items[i], depth + 1))
            {
                return Compare(context, left.Items[i], right.Items[i], depth + 1);
            }
        }

        return left.Items.Count.CompareTo(right.Items.Count);
    }
}
