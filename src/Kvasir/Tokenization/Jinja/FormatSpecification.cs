using System.Numerics;

namespace Kvasir.Tokenization.Jinja;

/// <summary>How one value of a format is written: alignment, sign, width, grouping, precision, letter.</summary>
internal sealed record FormatSpecification(
    char Fill, char Align, char Sign, bool Alternate, char Group, int Width, int? Precision, char Kind)
{
    private const char ZeroFlag = '0';
    private const int MaxWidth = 1_000_000;
    private const int MaxPrecision = 1000;

    /// <summary>Reads what stands after the colon of a '{}' field.</summary>
    public static FormatSpecification Read(string text)
    {
        const string Aligns = "<>^=";
        int at = 0;
        char fill = ' ', align = ' ';
        bool hasFill = text.Length > 1 && Aligns.Contains(text[1], StringComparison.Ordinal);
        if (hasFill) (fill, align, at) = (text[0], text[1], 2);
        else if (text.Length > 0 && Aligns.Contains(text[0], StringComparison.Ordinal)) (align, at) = (text[0], 1);
        char sign = Take("+- ") ?? '-';
        bool alternate = Take("#") is not null;
        if (Take("0") is not null && !hasFill) (fill, align) = ('0', align == ' ' ? ZeroFlag : align);
        int width = ReadNumber(text, ref at) ?? 0;
        char group = Take(",_") ?? ' ';
        int? precision = Take(".") is null
            ? null : ReadNumber(text, ref at, MaxPrecision) ?? throw new InvalidInputException("a format has a point without a precision");
        char kind = at < text.Length ? text[at++] : ' ';
        return at == text.Length ? new FormatSpecification(fill, align, sign, alternate, group, width, precision, kind)
            : throw new InvalidInputException($"'{text}' is not a format that is understood");

        char? Take(string wanted) => at < text.Length && wanted.Contains(text[at], StringComparison.Ordinal) ? text[at++] : null;
    }

    public static int? ReadNumber(string text, ref int at, int limit = MaxWidth)
    {
        int start = at, number = 0;
        for (; at < text.Length && char.IsAsciiDigit(text[at]); at++)
        {
            number = (number * 10) + (text[at] - '0');
            if (number > limit) throw new InvalidInputException($"a format asks for more than {limit} places");
        }

        return at > start ? number : null;
    }

    public static int? ReadPrecision(string text, ref int at)
    {
        if (at >= text.Length || text[at] != '.') return null;
        at++;
        return ReadNumber(text, ref at, MaxPrecision) ?? 0;
    }

    /// <summary>A value in a '{}' field, by the kind of the value.</summary>
    public string Format(RenderContext context, object? value) => value switch
    {
        string text when Kind is ' ' or 's' && Align != '=' && Sign == '-' && Group == ' ' && !Alternate => Pad(context, Cut(text), '<'),
        double when Kind is ' ' && Precision is null => Pad(context, Signed(Grouped(FloatText.Shortest((double)value))), '>'),
        double when Kind is ' ' => Number(context, value, 'r'),
        double when Kind is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or 'n' or '%' => Number(context, value, Kind),
        bool when IsPlain => Representation.Text(context, value),
        long or bool or BigInteger when Kind is 's' || (Precision is not null && Kind is (' ' or 'd' or 'x' or 'X' or 'o' or 'b' or 'c')) =>
            throw Unknown(value),
        long or bool or BigInteger => Number(context, value, Kind == ' ' ? 'd' : Kind),
        string or double => throw Unknown(value),
        _ => IsPlain ? Representation.Text(context, value) : throw Unknown(value),
    };

    /// <summary>A text of a '%' format, cut and padded.</summary>
    public string FormatText(RenderContext context, string text) => Pad(context, Cut(text), '>');

    /// <summary>A number in the form of a letter.</summary>
    public string Number(RenderContext context, object? value, char kind)
    {
        string body = kind switch
        {
            'c' => Rune.IsValid((int)BigInteger.Clamp(Integer(value), -1, 0x110000))
                ? char.ConvertFromUtf32((int)Integer(value)) : throw new InvalidInputException("a format needs the number of a character"),
            'd' or 'i' or 'u' => Grouped(Digits(Integer(value), 10)),
            'n' when value is not double => Digits(Integer(value), 10),
            'x' => Prefixed("0x", Digits(Integer(value), 16)),
            'X' => Prefixed("0X", Digits(Integer(value), 16).ToUpperInvariant()),
            'o' => Prefixed("0o", Digits(Integer(value), 8)),
            'b' => Prefixed("0b", Digits(Integer(value), 2)),
            'f' or 'F' => Cased(kind, Grouped(FloatText.Fixed(Float(value), Precision ?? 6) + (Alternate && Precision == 0 ? "." : ""))),
            '%' => Grouped(FloatText.Fixed(Float(value) * 100, Precision ?? 6)) + "%",
            'e' or 'E' => Cased(kind, FloatText.Exponential(Float(value), Precision ?? 6, kind)),
            'g' or 'G' or 'n' or 'r' =>
                Cased(kind, Grouped(FloatText.General(Float(value), Precision ?? 6, kind == 'G' ? 'E' : 'e', Alternate, kind == 'r'))),
            _ => throw Unknown(value),
        };
        return Pad(context, kind == 'c' ? body : Signed(body), '>');
    }

    private bool IsPlain => Kind == ' ' && Width == 0 && Precision is null && Group == ' ' && Sign == '-' && Align == ' ' && !Alternate;

    private InvalidInputException Unknown(object? value) => new($"the format '{Kind}' does not work on {Operations.TypeName(value)}");

    private string Pad(RenderContext context, string body, char usual)
    {
        int missing = context.Room(Math.Max(0, Width - PythonText.Length(body)));
        char align = Align == ' ' || (Align == ZeroFlag && usual == '<') ? usual : Align == ZeroFlag ? '=' : Align;
        int signs = align == '=' && body.Length > 0 && body[0] is '-' or '+' or ' ' ? 1 : 0;
        signs += align == '=' && Alternate && body.Length > signs + 1 && body[signs] == '0' && char.IsAsciiLetter(body[signs + 1]) ? 2 : 0;
        return align switch
        {
            '<' => body + new string(Fill, missing),
            '^' => new string(Fill, missing / 2) + body + new string(Fill, missing - (missing / 2)),
            '=' => body[..signs] + new string(Fill, missing) + body[signs..],
            _ => new string(Fill, missing) + body,
        };
    }

    private string Signed(string body) => Sign != '-' && !body.StartsWith('-') ? Sign + body : body;

    private string Prefixed(string prefix, string digits) => !Alternate ? Grouped(digits)
        : digits[0] == '-' ? "-" + prefix + digits[1..]
        : prefix + digits;

    private static string Cased(char kind, string text) => kind is 'F' or 'E' or 'G' ? text.ToUpperInvariant() : text;

    private string Cut(string text) => Precision is int length ? text[..PythonText.Range(text, null, (long)length).To] : text;

    /// <summary>Digits with at least as many places as the precision of a '%' directive asks for.</summary>
    private string Digits(BigInteger value, int radix)
    {
        BigInteger left = BigInteger.Abs(value);
        string digits = radix == 10 ? Numbers.Digits(left)
            : radix == 16 ? left.ToString("x", CultureInfo.InvariantCulture).TrimStart('0')
            : "";
        for (; radix < 10 && !left.IsZero; left /= radix) digits = (char)('0' + (int)(left % radix)) + digits;
        return (value.Sign < 0 ? "-" : "") + (digits.Length == 0 ? "0" : digits).PadLeft(Precision ?? 1, '0');
    }

    /// <summary>With a comma or underscore between thousands (or four digits of other radices).</summary>
    private string Grouped(string number)
    {
        if (Group == ' ') return number;
        int start = number.StartsWith('-') ? 1 : 0;
        int size = Kind is 'x' or 'X' or 'o' or 'b' ? 4 : 3;
        int end = size == 3 && number.AsSpan(start).IndexOfAny('.', 'e', 'E') is var at and >= 0 ? at + start : number.Length;
        var result = new StringBuilder(number);
        for (int place = end - size; place > start; place -= size) result.Insert(place, Group);
        return result.ToString();
    }

    private static BigInteger Integer(object? value) => value is double number && double.IsFinite(number) ? new BigInteger(number)
        : Numbers.TryInteger(value, out BigInteger integer) ? integer
        : throw new InvalidInputException($"a format needs an integer, not {Operations.TypeName(value)}");

    private static double Float(object? value) => Numbers.TryDouble(value, out double number)
        ? number
        : throw new InvalidInputException($"a format needs a number, not {Operations.TypeName(value)}");
}
