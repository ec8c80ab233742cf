using static Kvasir.Generation.Constraints.GrammarExpression;

namespace Kvasir.Generation.Constraints;

/// <summary>The decimal digits of whole numbers between two, as a grammar.</summary>
internal static class IntegerRange
{
    public static GrammarExpression Of(long least, long most)
    {
        var choices = new List<GrammarExpression>();
        if (least < 0) choices.Add(GrammarExpression.Of(Text("-"), NotNegative(most < 0 ? -most : 1, -least)));
        if (most >= 0) choices.Add(NotNegative(Math.Max(0, least), most));
        return new Choice(choices);
    }

    /// <summary>For each number of digits by itself: without leading zeros.</summary>
    private static Choice NotNegative(long least, long most)
    {
        var choices = new List<GrammarExpression>();
        for (long power = 1; power <= most; power *= 10)
        {
            long first = Math.Max(least, power == 1 ? 0 : power), last = Math.Min(most, power * 10 - 1);
            if (first <= last) choices.Add(SameLength(Digits(first), Digits(last)));
            if (power > long.MaxValue / 100) break;
        }

        if (most == 0) choices.Add(Text("0"));
        return new Choice(choices);
    }

    /// <summary>Numbers with as many digits as both ends have.</summary>
    private static GrammarExpression SameLength(string first, string last)
    {
        if (first.Length == 0) return Nothing;
        string lowRest = first[1..], highRest = last[1..], zeros = new('0', lowRest.Length), nines = new('9', lowRest.Length);
        if (lowRest == zeros && highRest == nines)
            return GrammarExpression.Of(new Characters([(first[0], last[0])]), new Repeat(JsonGrammar.Digit, zeros.Length, zeros.Length));
        if (first[0] == last[0]) return GrammarExpression.Of(Text(first[..1]), SameLength(lowRest, highRest));
        var choices = new List<GrammarExpression> { GrammarExpression.Of(Text(first[..1]), SameLength(lowRest, nines)) };
        if (first[0] + 1 < last[0]) choices.Add(SameLength((char)(first[0] + 1) + zeros, (char)(last[0] - 1) + nines));
        choices.Add(GrammarExpression.Of(Text(last[..1]), SameLength(zeros, highRest)));
        return new Choice(choices);
    }

    private static string Digits(long value) => value.ToString(CultureInfo.InvariantCulture);
}
