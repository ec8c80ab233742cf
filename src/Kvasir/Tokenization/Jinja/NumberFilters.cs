using System.Globalization;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Filters that make or change numbers.</summary>
internal static class NumberFilters
{
    public static object? ToInteger(object? value, BoundArguments arguments)
    {
        if (value is Undefined undefined)
        {
            throw undefined.Fail();
        }

        if (Operations.TryInteger(value, out long integer))
        {
            return integer;
        }

        double? number = value as double?;
        if (value is string text)
        {
            if (TryParse(text, arguments.Integer(1, 10), out integer))
            {
                return integer;
            }

            number = ParseFloat(text);
        }

        return number is > -9.2e18 and < 9.2e18 ? (long)number.Value : arguments.Get(0, 0L);
    }

    public static object? ToFloat(object? value, BoundArguments arguments) => value switch
    {
        Undefined undefined => throw undefined.Fail(),
        _ when Operations.TryNumber(value, out double number) => number,
        string text => ParseFloat(text) ?? arguments.Get(0, 0.0),
        _ => arguments.Get(0, 0.0),
    };

    public static object Round(object? value, BoundArguments arguments)
    {
        if (!Operations.TryNumber(value, out double number))
        {
            throw new InvalidInputException($"{Operations.TypeName(value)} cannot be rounded");
        }

        if (Operations.TryInteger(value, out long integer) && arguments.Integer(0, 0) == 0)
        {
            return integer;
        }

        long precision = Math.Clamp(arguments.Integer(0, 0), -300, 300);
        double scale = Math.Pow(10, precision);
        return arguments.TextOrNull(1) switch
        {
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            null or "common" => precision is >= 0 and <= 15 ? Math.Round(number, (int)precision) : Math.Round(number * scale) / scale,
            _ => throw new InvalidInputException("round: the method must be 'common', 'ceil' or 'floor'"),
        };
    }

    public static object Absolute(object? value) => value switch
    {
        double number => (object)Math.Abs(number),
        _ when Operations.TryInteger(value, out long integer) => integer < 0 ? Arithmetic.Negate(integer) : integer,
        Undefined undefined => throw undefined.Fail(),
        _ => throw new InvalidInputException($"{Operations.TypeName(value)} has no absolute value"),
    };

    private static bool TryParse(string text, long radix, out long integer)
    {
        string digits = text.Trim().Replace("_", "", StringComparison.Ordinal);
        if (radix == 10)
        {
            return long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out integer);
        }

        integer = 0;
        digits = digits.Length > 2 && digits[0] == '0' && char.IsAsciiLetter(digits[1]) ? digits[2..] : digits;
        foreach (char c in digits)
        {
            int digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) - 'a' + 10 : int.MaxValue;
            if (digit >= radix || radix > 36 || integer > (long.MaxValue - digit) / radix)
            {
                return false;
            }

            integer = (integer * radix) + digit;
        }

        return digits.Length > 0;
    }

    private static double? ParseFloat(string text) =>
        double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;
}
