using System.CommandLine.Parsing;
using System.Numerics;

namespace Kvasir.Cli.Options;

/// <summary>Options whose value is a number from a range; the refusal says the option, what was given, what is right.</summary>
internal static class NumberOption
{
    /// <param name="option">The option.</param>
    /// <param name="least">The least right value; <c>float.Epsilon</c> reads "above 0".</param>
    /// <param name="most">The largest right value.</param>
    /// <param name="hint">What else to say where the value is refused.</param>
    public static Option<T> InRange<T>(this Option<T> option, T least, T most, string hint = "") where T
        : struct, INumber<T>, IMinMaxValue<T>
    {
        option.CustomParser = result => Parse(result, option.Name, least, most, hint);
        return option;
    }

    /// <inheritdoc cref="InRange{T}(Option{T}, T, T, string)"/>
    public static Option<T?> InRange<T>(this Option<T?> option, T least, T most, string hint = "") where T
        : struct, INumber<T>, IMinMaxValue<T>
    {
        option.CustomParser = result => Parse(result, option.Name, least, most, hint);
        return option;
    }

    private static T Parse<T>(ArgumentResult result, string name, T least, T most, string hint) where T
        : struct, INumber<T>, IMinMaxValue<T>
    {
        string text = result.Tokens[0].Value;
        if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out T value) && value >= least && value <= most)
            return value;
        result.AddError($"{name} {text}: give {Rule(least, most)}{hint}");
        return least;
    }

    private static string Rule<T>(T least, T most) where T : INumber<T>, IMinMaxValue<T>
    {
        bool whole = T.IsInteger(T.One / (T.One + T.One)), above = !whole && least > T.Zero && T.IsZero(least / (T.One + T.One));
        string kind = whole ? "a whole number" : "a number";
        return most == T.MaxValue && !whole
            ? above ? $"{kind} above 0" : $"{kind}, {least} or more"
            : above ? $"{kind} above 0, at most {most}" : $"{kind} from {least} to {most}";
    }
}
