using System.Numerics;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Python's numbers: integers of any size (long or else <see cref="BigInteger"/>), booleans among them, and floats.</summary>
internal static class Numbers
{
    /// <summary>Longest integer, in bits; far beyond what Python would print (4,300 digits).</summary>
    private const long MaxBits = 100_000;

    private const int MaxDigits = 4300;
    private const NumberStyles FloatStyle = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    public static bool TryLong(object? value, out long integer)
    {
        (bool isInteger, integer) = value switch { bool flag => (true, flag ? 1L : 0L), long number => (true, number), _ => (false, 0L) };
        return isInteger;
    }

    public static bool TryInteger(object? value, out BigInteger integer)
    {
        bool isLong = TryLong(value, out long number);
        integer = value is BigInteger big ? big : number;
        return isLong || value is BigInteger;
    }

    public static bool TryDouble(object? value, out double number)
    {
        bool isInteger = TryInteger(value, out BigInteger integer);
        number = value is double real ? real : isInteger ? Nearest(integer) : 0;
        if (isInteger && !double.IsFinite(number)) throw new InvalidInputException("an integer is too large for a float");
        return isInteger || value is double;
    }

    public static bool IsNumber(object? value) => value is long or double or bool or BigInteger;

    /// <summary>The integer in the smallest form that holds it.</summary>
    public static object Of(BigInteger value) => value >= long.MinValue && value <= long.MaxValue ? (object)(long)value
        : value.GetBitLength() <= MaxBits ? value : throw TooLarge();

    public static InvalidInputException TooLarge() => new($"an integer of more than {MaxBits} bits is too large");

    /// <summary>Refuses a product or power with too many bits before it is computed, and charges what it costs.</summary>
    public static void CheckBits(RenderContext context, double bits)
    {
        if (bits > MaxBits + 64) throw TooLarge();
        context.Charge((long)(bits * bits / 1_000_000));
    }

    /// <summary>Order of two numbers, exact between integers and floats; null where one is no number, or not a number.</summary>
    public static int? Compare(object? left, object? right)
    {
        if (TryLong(left, out long a) && TryLong(right, out long b)) return a.CompareTo(b);
        if (!IsNumber(left) || !IsNumber(right)) return null;
        if (left is double x && right is double y) return double.IsNaN(x) || double.IsNaN(y) ? null : x.CompareTo(y);
        if (left is double or null || right is not double real)
            return left is double ? -Compare(right, left) : Exact(left).CompareTo(Exact(right));
        if (double.IsNaN(real)) return null;
        if (double.IsInfinity(real)) return real > 0 ? -1 : 1;
        int order = Exact(left).CompareTo(new BigInteger(Math.Floor(real)));
        return order == 0 && !double.IsInteger(real) ? -1 : order;
    }

    /// <summary>Decimal digits, as Python limits them.</summary>
    public static string Digits(BigInteger value)
    {
        string digits = value.ToString(CultureInfo.InvariantCulture);
        return digits.Length <= MaxDigits + 1
            ? digits : throw new InvalidInputException($"an integer of more than {MaxDigits} digits cannot be written");
    }

    /// <summary>An integer in text, as <c>int(text, radix)</c> reads it; null where it is none.</summary>
    public static object? ParseInteger(RenderContext context, string text, long radix)
    {
        string digits = Body(text, out bool negative);
        int marked = digits is ['0', var mark, _, ..] ? char.ToLowerInvariant(mark) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => -1 } : -1;
        if (marked > 0 && (radix == marked || radix == 0))
            (radix, digits) = (marked, digits[(digits[2] == '_' ? 3 : 2)..]);

        radix = radix == 0 ? 10 : radix;
        if (radix is < 2 or > 36 || !RemoveUnderscores(ref digits) || digits.Length is 0 or > MaxDigits) return null;
        context.Charge((long)digits.Length * digits.Length / 1000);
        BigInteger integer = 0;
        foreach (char c in digits)
        {
            int digit = char.IsDigit(c) ? (int)char.GetNumericValue(c)
                : char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) - 'a' + 10
                : int.MaxValue;
            if (digit >= radix) return null;
            integer = (integer * radix) + digit;
        }

        return Of(negative ? -integer : integer);
    }

    /// <summary>A float in text, as <c>float(text)</c> reads it; null where it is none.</summary>
    public static double? ParseFloat(string text)
    {
        string digits = Body(text, out bool negative);
        double? value = digits.ToLowerInvariant() switch { "inf" or "infinity" => double.PositiveInfinity, "nan" => double.NaN, _ => null };
        if (value is null && digits.Length > 0 && (char.IsAsciiDigit(digits[0]) || digits[0] == '.') && RemoveUnderscores(ref digits)
            && double.TryParse(digits, FloatStyle, CultureInfo.InvariantCulture, out double number))
        {
            value = number;
        }

        return negative ? -value : value;
    }

    /// <summary>The runtime's own conversion of large integers cuts digits off instead of rounding.</summary>
    private static double Nearest(BigInteger integer) => integer.GetBitLength() <= 64 ? (double)integer
        : integer.GetBitLength() > 1025 ? double.PositiveInfinity
        : double.Parse(integer.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static BigInteger Exact(object? value) => TryInteger(value, out BigInteger integer) ? integer : 0;

    private static string Body(string text, out bool negative)
    {
        string body = PythonText.Strip(text, null, start: true, end: true);
        negative = body.StartsWith('-');
        return negative || body.StartsWith('+') ? body[1..] : body;
    }

    /// <summary>Underscores may stand between digits.</summary>
    private static bool RemoveUnderscores(ref string digits)
    {
        if (digits.StartsWith('_') || digits.EndsWith('_') || digits.Contains("__", StringComparison.Ordinal)) return false;
        digits = digits.Replace("_", "", StringComparison.Ordinal);
        return true;
    }
}
