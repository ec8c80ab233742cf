namespace Kvasir.Tokenization.Jinja;

/// <summary>Python's <c>'%s: %05.2f' % values</c>: the letters s r a d i u f e g x o c, flags, names, width, precision.</summary>
internal static class PercentFormat
{
    public static string Apply(RenderContext context, string format, object? values)
    {
        IReadOnlyList<object?> items = values is Sequence { Kind: SequenceKind.Tuple } tuple ? tuple.Items : [values];
        var result = new StringBuilder();
        int used = 0;
        object? Next() => used < items.Count
            ? items[used++] : throw new InvalidInputException("a format has more '%' directives than values");
        context.ChargeText(format);
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                result.Append(format[i]);
                continue;
            }

            i++;
            string? key = ReadKey(format, ref i);
            FormatSpecification specification = Read(format, ref i, Next);
            while (i < format.Length && format[i] is 'h' or 'l' or 'L') i++;
            char kind = i < format.Length ? format[i] : throw new InvalidInputException("a format ends within a '%' directive");
            context.Charge(1);
            result.Append(kind == '%' ? "%" : Directive(context, specification, kind, key is null ? Next() : Named(values, key)));
            context.Room(result.Length);
        }

        return used < items.Count && values is not (Mapping or Sequence { Kind: not SequenceKind.Tuple } or Undefined)
            ? throw new InvalidInputException("a format has fewer '%' directives than values")
            : result.ToString();
    }

    private static string Directive(RenderContext context, FormatSpecification specification, char kind, object? value) => kind switch
    {
        's' => specification.FormatText(context, Representation.Text(context, value)),
        'r' or 'a' => specification.FormatText(context, Representation.Source(context, value)),
        'c' when value is string text => PythonText.Length(text) == 1
            ? specification.FormatText(context, text) : throw new InvalidInputException("%c needs one character"),
        'x' or 'X' or 'o' or 'c' when value is double => throw new InvalidInputException($"%{kind} needs an integer, not a float"),
        'd' or 'i' or 'u' or 'f' or 'F' or 'e' or 'E' or 'g' or 'G' or 'x' or 'X' or 'o' or 'c' =>
            specification.Number(context, value, kind),
        _ => throw new InvalidInputException($"'%{kind}' is not a format that is understood"),
    };

    /// <summary>Flags, width and precision; a star takes the width from the values.</summary>
    private static FormatSpecification Read(string format, ref int at, Func<object?> next)
    {
        int start = at;
        while (at < format.Length && "-+ 0#".Contains(format[at], StringComparison.Ordinal)) at++;
        string flags = format[start..at];
        bool Has(char flag) => flags.Contains(flag, StringComparison.Ordinal);
        int width = 0;
        if (at < format.Length && format[at] == '*')
        {
            width = (int)(next() is long given and >= 0 and <= 10_000
                ? given : throw new InvalidInputException("a '*' in a format needs a width up to 10000 among the values"));
            at++;
        }
        else width = FormatSpecification.ReadNumber(format, ref at) ?? 0;

        int? precision = FormatSpecification.ReadPrecision(format, ref at);
        bool left = Has('-'), zero = Has('0') && !left && at < format.Length && format[at] is not ('s' or 'r' or 'a' or 'c');
        char align = left ? '<' : zero ? '=' : '>', sign = Has('+') ? '+' : Has(' ') ? ' ' : '-';
        return new FormatSpecification(zero ? '0' : ' ', align, sign, Has('#'), ' ', width, precision, ' ');
    }

    private static string? ReadKey(string format, ref int at)
    {
        int end = at < format.Length && format[at] == '(' ? format.IndexOf(')', at) : -1;
        if (end < 0) return null;
        string key = format[(at + 1)..end];
        at = end + 1;
        return key;
    }

    private static object? Named(object? values, string key) => values is Mapping mapping && mapping.TryGet(key, out object? value)
        ? value
        : throw new InvalidInputException($"a format needs a value named '{key}'");
}
