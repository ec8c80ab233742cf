using System.Numerics;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Floats in decimal digits, rounded as Python rounds: exactly, halves to even.</summary>
internal static class FloatText
{
    /// <summary>Python's <c>repr</c>: the shortest digits that read back the same.</summary>
    public static string Shortest(double value)
    {
        if (!double.IsFinite(value)) return Special(value);
        (string digits, int point) = ShortestDigits(Math.Abs(value));
        return Sign(value) + (point is > -4 and <= 16 ? Plain(digits, point, 1) : Scientific(digits, point, 'e'));
    }

    /// <summary>With <paramref name="precision"/> digits after the point (%f); a negative precision rounds before it.</summary>
    public static string Fixed(double value, int precision)
    {
        if (!double.IsFinite(value)) return Special(value);
        string digits = Scaled(Math.Abs(value), precision).ToString(CultureInfo.InvariantCulture);
        if (precision > 0) return Sign(value) + Plain(digits, digits.Length - precision, precision);
        return Sign(value) + digits + (digits == "0" ? "" : new string('0', -precision));
    }

    /// <summary>One digit before the point and <paramref name="precision"/> after it (%e).</summary>
    public static string Exponential(double value, int precision, char mark)
    {
        if (!double.IsFinite(value)) return Special(value);
        (string digits, int point) = Significant(Math.Abs(value), precision + 1);
        return Sign(value) + Scientific(digits, point, mark);
    }

    /// <summary>The shorter of both (%g); <paramref name="keepsPoint"/> is Python's form where a format names no letter.</summary>
    public static string General(double value, int precision, char mark, bool keepsZeros, bool keepsPoint)
    {
        if (!double.IsFinite(value)) return Special(value);
        precision = Math.Max(1, precision);
        (string digits, int point) = Significant(Math.Abs(value), precision);
        digits = keepsZeros ? digits : digits.TrimEnd('0');
        bool plain = point > -4 && point <= precision - (keepsPoint ? 1 : 0);
        digits = digits.Length == 0 ? "0" : digits;
        if (!plain) return Sign(value) + Scientific(digits, point, mark);
        return Sign(value) + Plain(digits, point, keepsPoint ? 1 : 0) + (keepsZeros && digits.Length <= point ? "." : "");
    }

    private static string Sign(double value) => double.IsNegative(value) ? "-" : "";

    private static string Special(double value) => double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";

    /// <summary>0.digits times 10 to the power of point.</summary>
    private static (string Digits, int Point) ShortestDigits(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        int mark = text.IndexOf('E', StringComparison.Ordinal);
        string mantissa = mark < 0 ? text : text[..mark];
        int exponent = mark < 0 ? 0 : int.Parse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        int dot = mantissa.IndexOf('.', StringComparison.Ordinal);
        string all = mantissa.Replace(".", "", StringComparison.Ordinal);
        string digits = all.TrimStart('0');
        int point = (dot < 0 ? mantissa.Length : dot) + exponent - (all.Length - digits.Length);
        digits = digits.TrimEnd('0');
        return digits.Length == 0 ? ("0", 1) : (digits, point);
    }

    private static (string Digits, int Point) Significant(double value, int count)
    {
        if (value == 0) return (new string('0', count), 1);
        int point = ShortestDigits(value).Point;
        string digits = Scaled(value, count - point).ToString(CultureInfo.InvariantCulture);
        return digits.Length > count ? (digits[..count], point + 1) : (digits, point);
    }

    /// <summary>value times 10^places, rounded.</summary>
    private static BigInteger Scaled(double value, int places)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)((bits >> 52) & 0x7FF);
        BigInteger mantissa = (bits & 0xFFFFFFFFFFFFF) | (exponent == 0 ? 0 : 1L << 52);
        exponent = Math.Max(1, exponent) - 1075;
        BigInteger numerator = mantissa * BigInteger.Pow(10, Math.Max(0, places)) << Math.Max(0, exponent);
        BigInteger denominator = BigInteger.Pow(10, Math.Max(0, -places)) << Math.Max(0, -exponent);
        BigInteger quotient = BigInteger.DivRem(numerator, denominator, out BigInteger rest);
        int half = (rest * 2).CompareTo(denominator);
        return half > 0 || (half == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }

    /// <summary>Without an exponent, with at least <paramref name="places"/> digits after the point.</summary>
    private static string Plain(string digits, int point, int places)
    {
        string whole = point <= 0 ? "0" : digits.Length >= point ? digits[..point] : digits.PadRight(point, '0');
        string part = point <= 0 ? new string('0', -point) + digits : digits.Length > point ? digits[point..] : "";
        part = part.PadRight(places, '0');
        return part.Length == 0 ? whole : $"{whole}.{part}";
    }

    private static string Scientific(string digits, int point, char mark)
    {
        string power = Math.Abs(point - 1).ToString("00", CultureInfo.InvariantCulture);
        return $"{digits[0]}{(digits.Length > 1 ? "." : "")}{digits.AsSpan(1)}{mark}{(point < 1 ? '-' : '+')}{power}";
    }
}
