using static Kvasir.Generation.Constraints.GrammarExpression;

namespace Kvasir.Generation.Constraints;

/// <summary>An end of a range of numbers.</summary>
internal readonly record struct NumberBound(decimal Value, bool IsExclusive);

/// <summary>
/// Decimal numbers between two, as a grammar: without exponents, and with 15 digits at most, so that readers who take them for floats of
/// 64 bits find them on the same side of the bounds.
/// </summary>
internal static class NumberRange
{
    private const int MostDigits = 15, UsualWhole = 9;

    /// <exception cref="InvalidInputException">There is no such number.</exception>
    public static GrammarExpression Of(NumberBound? least, NumberBound? most)
    {
        int whole = Math.Max(least is { } low ? WholeDigits(low) : UsualWhole, most is { } high ? WholeDigits(high) : UsualWhole);
        decimal furthest = Enumerable.Repeat(10m, whole).Aggregate(1m, (a, b) => a * b) - 1;
        NumberBound from = least ?? new NumberBound(-furthest, false), to = most ?? new NumberBound(furthest, false);
        var zero = new NumberBound(0, false);
        var choices = new List<GrammarExpression>();
        if (from.Value < 0 && NotNegative(to.Value > 0 ? zero : Negated(to), Negated(from), MostDigits - whole) is { } below)
            choices.Add(GrammarExpression.Of(Text("-"), below));
        if (to.Value >= 0 && NotNegative(from.Value < 0 ? zero : from, to, MostDigits - whole) is { } above) choices.Add(above);
        return OneOf(choices) ?? throw JsonSchemaGrammar.Wrong("there is no number between minimum and maximum");
    }

    /// <summary>The whole parts of the ends with what may stand behind their points, and those between with anything.</summary>
    private static Choice? NotNegative(NumberBound from, NumberBound to, int digits)
    {
        if (from.Value > to.Value) return null;
        long first = (long)from.Value, last = (long)to.Value;
        string low = Fraction(from), high = Fraction(to);
        var choices = new List<GrammarExpression>();
        if (first == last) Add(first, Behind(low, high, from.IsExclusive, to.IsExclusive, digits));
        else
        {
            Add(first, Behind(low, null, from.IsExclusive, false, digits));
            if (first + 1 < last && Behind(null, null, false, false, digits) is { } any)
                choices.Add(GrammarExpression.Of(IntegerRange.Of(first + 1, last - 1), any));
            Add(last, Behind(null, high, false, to.IsExclusive, digits));
        }

        return OneOf(choices);

        void Add(long whole, GrammarExpression? behind)
        {
            if (behind is not null) choices.Add(GrammarExpression.Of(Text(Whole(whole)), behind));
        }
    }

    /// <summary>
    /// The point and digits from <paramref name="low"/> to <paramref name="high"/> (null: any), or nothing where that will do.
    /// </summary>
    private static Choice? Behind(string? low, string? high, bool aboveLow, bool belowHigh, int digits)
    {
        var choices = new List<GrammarExpression>();
        if (HoldsEnd(low, high, aboveLow, belowHigh)) choices.Add(Nothing);
        if (digits > 0 && Digits(low, high, aboveLow, belowHigh, digits) is { } fraction)
            choices.Add(GrammarExpression.Of(Text("."), fraction));
        return OneOf(choices);
    }

    /// <summary>
    /// One digit at least. <paramref name="low"/> and <paramref name="high"/> are what is left of the bounds; null where the digits before
    /// are past them already. Null where no digits do.
    /// </summary>
    private static GrammarExpression? Digits(string? low, string? high, bool aboveLow, bool belowHigh, int left)
    {
        if (high is null && (low is null || (low.Length == 0 && !aboveLow))) return new Repeat(JsonGrammar.Digit, 1, left);
        char floor = low is { Length: > 0 } ? low[0] : '0', ceiling = high is null ? '9' : high.Length > 0 ? high[0] : '0';
        var choices = new List<GrammarExpression>();
        for (char digit = floor; digit <= ceiling; digit++)
        {
            string? lowRest = digit > floor ? null : Rest(low), highRest = digit < ceiling ? null : Rest(high);
            var behind = new List<GrammarExpression>();
            if (HoldsEnd(lowRest, highRest, aboveLow, belowHigh)) behind.Add(Nothing);
            if (left > 1 && Digits(lowRest, highRest, aboveLow, belowHigh, left - 1) is { } more) behind.Add(more);
            if (OneOf(behind) is { } rest) choices.Add(GrammarExpression.Of(Text(digit.ToString()), rest));
        }

        return OneOf(choices);

        static string? Rest(string? digits) => digits is { Length: > 0 } ? digits[1..] : digits;
    }

    /// <summary>Whether a number may end where so much is left of the bounds: all that follows is 0.</summary>
    private static bool HoldsEnd(string? low, string? high, bool aboveLow, bool belowHigh) =>
        (low is null || (low.Length == 0 && !aboveLow)) && (high is null || high.Length > 0 || !belowHigh);

    private static NumberBound Negated(NumberBound bound) => bound with { Value = -bound.Value };

    private static int WholeDigits(NumberBound bound) => Whole((long)Math.Abs(bound.Value)).Length;

    /// <summary>Digits behind the point, the last not 0.</summary>
    private static string Fraction(NumberBound bound) =>
        (bound.Value - decimal.Truncate(bound.Value)).ToString("0.############################", CultureInfo.InvariantCulture) is
            [_, _, .. var digits] ? digits : "";

    /// <summary>Ways that lead nowhere are left out: a generation that takes one could not go on.</summary>
    private static Choice? OneOf(List<GrammarExpression> choices) => choices.Count > 0 ? new Choice(choices) : null;

    private static string Whole(long value) => value.ToString(CultureInfo.InvariantCulture);
}
