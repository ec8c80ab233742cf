using System.Numerics;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Numbers as written in a template: 12, 1_000, 0x1f, 0b11, 0o17, 1.5, 2e-3.</summary>
internal static class NumberLiteral
{
    private const int MaxDigits = 4300;

    /// <summary>Where the number that starts at <paramref name="start"/> ends.</summary>
    public static int End(string source, int start, bool integerOnly, out bool isFloat)
    {
        isFloat = false;
        if (source[start] == '0' && start + 1 < source.Length && char.ToLowerInvariant(source[start + 1]) is 'x' or 'b' or 'o')
            return SkipDigits(source, start + 2, char.IsAsciiHexDigit);

        int end = SkipDigits(source, start, char.IsAsciiDigit);
        if (integerOnly) return end;
        if (end + 1 < source.Length && source[end] == '.' && char.IsAsciiDigit(source[end + 1]))
        {
            isFloat = true;
            end = SkipDigits(source, end + 1, char.IsAsciiDigit);
        }

        if (end < source.Length && source[end] is 'e' or 'E')
        {
            int digits = end + 1 < source.Length && source[end + 1] is '+' or '-' ? end + 2 : end + 1;
            if (digits < source.Length && char.IsAsciiDigit(source[digits]))
            {
                isFloat = true;
                end = SkipDigits(source, digits, char.IsAsciiDigit);
            }
        }

        return end;
    }

    public static object Parse(Token token)
    {
        string digits = token.Text.Replace("_", "", StringComparison.Ordinal);
        if (token.Kind == TokenKind.Float) return double.Parse(digits, NumberStyles.Float, CultureInfo.InvariantCulture);
        (int radix, int skip) = digits.Length > 1
            ? char.ToLowerInvariant(digits[1]) switch { 'x' => (16, 2), 'o' => (8, 2), 'b' => (2, 2), _ => (10, 0) } : (10, 0);
        digits = digits[skip..];
        if (digits.Length is 0 or > MaxDigits || digits.Any(c => !char.IsAsciiDigit(c) && radix != 16)
            || (radix == 10 && digits.Length > 1 && digits.Trim('0').Length > 0 && digits[0] == '0'))
            throw TemplateError.At(token.Line, $"the number {token.Text} is not a usable integer");

        BigInteger value = 0;
        foreach (char c in digits)
        {
            int digit = Convert.ToInt32(c.ToString(), 16);
            value = digit < radix
                ? (value * radix) + digit : throw TemplateError.At(token.Line, $"the number {token.Text} is not a usable integer");
        }

        return Numbers.Of(value);
    }

    private static int SkipDigits(string source, int at, Func<char, bool> isDigit)
    {
        while (at < source.Length && (isDigit(source[at]) || (source[at] == '_' && at + 1 < source.Length && isDigit(source[at + 1]))))
            at++;

        return at;
    }
}
