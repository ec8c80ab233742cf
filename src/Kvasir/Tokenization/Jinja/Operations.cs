using System.Numerics;

namespace Kvasir.Tokenization.Jinja;

/// <summary>
/// Python's truth, equality and order of template values. A value is null (None), a bool, long, <see cref="BigInteger"/>, double or string,
/// <see cref="Sequence"/>, <see cref="Generator"/>, <see cref="Mapping"/>, Namespace, <see cref="Callable"/> or <see cref="Undefined"/>.
/// </summary>
internal static class Operations
{
    /// <summary>How deeply lists and dictionaries may be nested in a value that is compared or printed.</summary>
    public const int MaxValueDepth = 200;

    public static string TypeName(object? value) => value switch
    {
        null => "None",
        bool => "a boolean",
        long or BigInteger => "an integer",
        double => "a float",
        string => "a string",
        Sequence { Kind: SequenceKind.List } => "a list",
        Sequence { Kind: SequenceKind.Tuple } => "a tuple",
        Sequence { Kind: SequenceKind.Range } => "a range",
        Sequence => "a dictionary view",
        Generator => "a generator",
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
        Sequence sequence => sequence.Items.Count > 0,
        Mapping mapping => mapping.Count > 0,
        _ => true,
    };

    public static bool AreEqual(RenderContext? context, object? left, object? right, int depth = 0)
    {
        CheckDepth(context, depth);
        if (Numbers.IsNumber(left) && Numbers.IsNumber(right)) return Numbers.Compare(left, right) == 0;
        switch (left, right)
        {
            case (string a, string b):
                if (a.Length == b.Length) context?.ChargeText(a);
                return string.Equals(a, b, StringComparison.Ordinal);
            case (Sequence a, Sequence b) when a.Kind == b.Kind && a.Items.Count == b.Items.Count:
                for (int i = 0; i < a.Items.Count; i++)
                {
                    if (!AreEqual(context, a.Items[i], b.Items[i], depth + 1)) return false;
                }

                return true;
            case (Mapping a, Mapping b):
                return a.Count == b.Count
                    && a.Entries.All(entry => b.TryGet(entry.Key, out object? other) && AreEqual(context, entry.Value, other, depth + 1));
            case (Undefined, Undefined):
                return true;
            default:
                return ReferenceEquals(left, right);
        }
    }

    public static InvalidInputException TooDeep() => new($"a value is nested more than {MaxValueDepth} levels deep");

    /// <summary>Negative where <paramref name="left"/> comes before <paramref name="right"/>; null where a NaN is compared.</summary>
    /// <exception cref="InvalidInputException">The two have no order.</exception>
    public static int? Compare(RenderContext context, object? left, object? right, int depth = 0)
    {
        CheckDepth(context, depth);
        if (Numbers.IsNumber(left) && Numbers.IsNumber(right)) return Numbers.Compare(left, right);
        switch (left, right)
        {
            case (string a, string b):
                context.ChargeText(a.Length < b.Length ? a : b);
                return PythonText.Compare(a, b);
            case (Sequence { HasPlaces: true } a, Sequence b) when a.Kind == b.Kind && a.Kind != SequenceKind.Range:
                for (int i = 0; i < Math.Min(a.Items.Count, b.Items.Count); i++)
                {
                    if (!AreEqual(context, a.Items[i], b.Items[i], depth + 1)) return Compare(context, a.Items[i], b.Items[i], depth + 1);
                }

                return a.Items.Count.CompareTo(b.Items.Count);
            default:
                throw (left as Undefined ?? right as Undefined)?.Fail()
                    ?? new InvalidInputException($"{TypeName(left)} and {TypeName(right)} cannot be put in order");
        }
    }

    /// <summary>Whether <paramref name="left"/> and <paramref name="right"/> compare so.</summary>
    public static bool Holds(RenderContext context, string operation, object? left, object? right) => operation switch
    {
        "==" => AreEqual(context, left, right),
        "!=" => !AreEqual(context, left, right),
        "in" => Iteration.Contains(context, right, left),
        "not in" => !Iteration.Contains(context, right, left),
        "<" => Compare(context, left, right) < 0,
        "<=" => Compare(context, left, right) <= 0,
        ">" => Compare(context, left, right) > 0,
        _ => Compare(context, left, right) >= 0,
    };

    /// <summary>The items in the order of their keys; equal ones stay as they stand, in either direction.</summary>
    public static List<object?> Sorted(
        RenderContext context, IReadOnlyList<object?> items, Func<object?, object?> key, bool reverse = false)
    {
        context.Charge(items.Count);
        var keyed = items.Select(item => (Key: key(item), Item: item)).ToArray();
        var other = new (object? Key, object? Item)[keyed.Length];
        for (int width = 1; width < keyed.Length; width *= 2)
        {
            for (int start = 0; start < keyed.Length; start += 2 * width)
            {
                int middle = Math.Min(start + width, keyed.Length), end = Math.Min(start + (2 * width), keyed.Length);
                for (int at = start, left = start, right = middle; at < end; at++)
                {
                    bool takesRight = left >= middle || (right < end
                        && (reverse ? Compare(context, keyed[left].Key, keyed[right].Key) < 0
                            : Compare(context, keyed[right].Key, keyed[left].Key) < 0));
                    other[at] = takesRight ? keyed[right++] : keyed[left++];
                }
            }

            (keyed, other) = (other, keyed);
        }

        return [.. keyed.Select(pair => pair.Item)];
    }

    private static void CheckDepth(RenderContext? context, int depth)
    {
        context?.Charge(1);
        if (depth > MaxValueDepth) throw TooDeep();
    }
}
