using System.Globalization;

namespace Kvasir.Tokenization.Jinja;

/// <summary>How one value of a format is written: alignment, sign, width, grouping, precision.</summary>
internal sealed record FormatSpecification(char Fill, char Align, char Sign, bool Alternate, bool Grouped, int Width, int? Precision, char Kind)
{
    private const int MaxWidth = 10_000;
    private const int MaxPrecision = 100;

    /// <summary>Reads flags, width and precision of a '%' directive.</summary>
    public static FormatSpecification ReadPercent(string format, ref int at)
    {
        int start = at;
        while (at < format.Length && "-+ 0#".Contains(format[at], StringComparison.Ordinal))
        {
            at++;
        }

        string flags = format[start..at];
        int width = ReadNumber(format, ref at, MaxWidth) ?? 0;
        int? precision = ReadPrecision(format, ref at);
        bool left = flags.Contains('-', StringComparison.Ordinal);
        bool zero = flags.Contains('0', StringComparison.Ordinal) && !left;
        char sign = flags.Contains('+', StringComparison.Ordinal) ? '+' : flags.Contains(' ', StringComparison.Ordinal) ? ' ' : '-';
        return new FormatSpecification(zero ? '0' : ' ', left ? '<' : zero ? '=' : '>', sign, flags.Contains('#', StringComparison.Ordinal), false, width, precision, ' ');
    }

    /// <summary>Reads what stands after the colon of a '{}' field.</summary>
    public static FormatSpecification ReadBrace(string text)
    {
        int at = 0;
        char fill = ' ';
        char align = ' ';
        if (text.Length > 1 && "<>^=".Contains(text[1], StringComparison.Ordinal))
        {
            (fill, align, at) = (text[0], text[1], 2);
        }
        else if (text.Length > 0 && "<>^=".Contains(text[0], StringComparison.Ordinal))
        {
            (align, at) = (text[0], 1);
        }

        char sign = at < text.Length && text[at] is '+' or '-' or ' ' ? text[at++] : '-';
        bool alternate = at < text.Length && text[at] == '#' && at++ >= 0;
        if (at < text.Length && text[at] == '0')
        {
            (fill, align) = align == ' ' ? ('0', '=') : (fill, align);
            at++;
        }

        int width = ReadNumber(text, ref at, MaxWidth) ?? 0;
        bool grouped = at < text.Length && text[at] == ',' && at++ >= 0;
        int? precision = ReadPrecision(text, ref at);
        char kind = at < text.Length ? text[at++] : ' ';
        return at == text.Length
            ? new FormatSpecification(fill, align, sign, alternate, grouped, width, precision, kind)
            : throw new InvalidInputException($"'{text}' is not a format that is understood");
    }

    /// <summary>The value as text in the form <paramref name="kind"/> (a letter as after '%').</summary>
    public string Apply(RenderContext context, object? value, char kind)
    {
        bool isText = kind is 's' or 'r' or 'c' or 'a';
        string body = kind switch
        {
            's' => Cut(Representation.Text(context, value)),
            'r' or 'a' => Cut(value is string ? Representation.Quote(value) : Representation.Text(context, value)),
            'c' => value as string ?? char.ConvertFromUtf32((int)Math.Clamp(Integer(value), 0, 0xD7FF)),
            'd' or 'i' or 'u' => Integer(value).ToString(Grouped ? "N0" : "D" + (Precision ?? 1), CultureInfo.InvariantCulture),
            'x' => Prefix("0x", Integer(value).ToString("x", CultureInfo.InvariantCulture)),
            'X' => Prefix("0X", Integer(value).ToString("X", CultureInfo.InvariantCulture)),
            'o' => Prefix("0o", Convert.ToString(Integer(value), 8)),
            'f' or 'F' => Number(value).ToString((Grouped ? "N" : "F") + (Precision ?? 6), CultureInfo.InvariantCulture),
            '%' => (Number(value) * 100).ToString("F" + (Precision ?? 6), CultureInfo.InvariantCulture) + "%",
            'e' or 'E' => Number(value).ToString("0." + new string('0', Precision ?? 6) + kind + "+00", CultureInfo.InvariantCulture),
            'g' or 'G' => Number(value).ToString("G" + Math.Max(1, Precision ?? 6), CultureInfo.InvariantCulture).Replace("E", kind == 'g' ? "e" : "E", StringComparison.Ordinal),
            _ => throw new InvalidInputException($"'{kind}' is not a format that is understood"),
        };
        string signed = !isText && Sign != '-' && !body.StartsWith('-') ? Sign + body : body;
        return Pad(signed, Align == ' ' ? (value is string || isText ? '<' : '>') : Align);
    }

    private string Pad(string body, char align)
    {
        int missing = Math.Max(0, Width - PythonText.Length(body));
        int signs = align == '=' && body.Length > 0 && body[0] is '-' or '+' or ' ' ? 1 : 0;
        return align switch
        {
            '<' => body + new string(Fill, missing),
            '^' => new string(Fill, missing / 2) + body + new string(Fill, missing - (missing / 2)),
            '=' => body[..signs] + new string(Fill, missing) + body[signs..],
            _ => new string(Fill, missing) + body,
        };
    }

    private string Prefix(string prefix, string digits) => Alternate ? prefix + digits : digits;

    private string Cut(string text) => Precision is int length && length < PythonText.Length(text) ? string.Concat(PythonText.CodePoints(text).Take(length)) : text;

    private static long Integer(object? value) => value is double number and > -9.2e18 and < 9.2e18 ? (long)number
        : Operations.TryInteger(value, out long integer) ? integer
        : throw new InvalidInputException($"a format needs an integer, not {Operations.TypeName(value)}");

    private static double Number(object? value) => Operations.TryNumber(value, out double number)
        ? number
        : throw new InvalidInputException($"a format needs a number, not {Operations.TypeName(value)}");

    private static int? ReadPrecision(string text, ref int at)
    {
        if (at >= text.Length || text[at] != '.')
        {
            return null;
        }

        at++;
        return ReadNumber(text, ref at, MaxPrecision) ?? 0;
    }

    private static int? ReadNumber(string text, ref int at, int limit)
    {
        int start = at;
        int number = 0;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            number = (number * 10) + (text[at++] - '0');
            if (number > limit)
            {
                throw new InvalidInputException($"a format asks for more than {limit} places");
            }
        }

        return at > start ? number : null;
    }
}
