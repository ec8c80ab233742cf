namespace Kvasir.Documents.Reading;

/// <summary>The numbers of list items as they are shown.</summary>
internal static class ListNumber
{
    private const int LargestLetterNumber = 26 * 8;

    /// <param name="number">The number.</param>
    /// <param name="format">lowerLetter, upperLetter, lowerRoman or upperRoman; anything else is decimal.</param>
    public static string Format(int number, string format) => format switch
    {
        "lowerLetter" when number is > 0 and <= LargestLetterNumber => new string((char)('a' + (number - 1) % 26), (number - 1) / 26 + 1),
        "upperLetter" when number is > 0 and <= LargestLetterNumber => new string((char)('A' + (number - 1) % 26), (number - 1) / 26 + 1),
        "lowerRoman" => Roman(number).ToLowerInvariant(),
        "upperRoman" => Roman(number),
        "decimalZero" when number is >= 0 and < 10 => "0" + number.ToString(CultureInfo.InvariantCulture),
        _ => number.ToString(CultureInfo.InvariantCulture),
    };

    private static string Roman(int number)
    {
        if (number is < 1 or > 3999) return number.ToString(CultureInfo.InvariantCulture);
        var roman = new StringBuilder();
        foreach ((int value, string sign) in (ReadOnlySpan<(int, string)>)[(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"),
            (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")])
        {
            for (; number >= value; number -= value) roman.Append(sign);
        }

        return roman.ToString();
    }
}
