using System.Globalization;
using System.Text;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Python's <c>'%s: %05.2f' % values</c> with s, r, d, i, u, f, e, g, x, X, o, c and flags, width and precision.</summary>
internal static class PercentFormat
{
    public static string Apply(RenderContext context, string format, object? values)
    {
        IReadOnlyList<object?> items = values is Sequence { Kind: SequenceKind.Tuple } tuple ? tuple.Items : [values];
        var result = new StringBuilder();
        int used = 0;
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                result.Append(format[i]);
                continue;
            }

            i++;
            string? key = ReadKey(format, ref i);
            FormatSpecification specification = FormatSpecification.ReadPercent(format, ref i);
            char kind = i < format.Length ? format[i] : throw new InvalidInputException("a format ends within a '%' directive");
            if (kind == '%')
            {
                result.Append('%');
                continue;
            }

            object? value = key is not null ? Named(values, key)
                : used < items.Count ? items[used++]
                : throw new InvalidInputException("a format has more '%' directives than values");
            context.Charge(1);
            result.Append(specification.Apply(context, value, kind));
            context.Room(result.Length);
        }

        return used < items.Count && values is not Mapping
            ? throw new InvalidInputException("a format has fewer '%' directives than values")
            : context.Text(result.ToString());
    }

    private static string? ReadKey(string format, ref int at)
    {
        int end = at < format.Length && format[at] == '(' ? format.IndexOf(')', at) : -1;
        if (end < 0)
        {
            return null;
        }

        string key = format[(at + 1)..end];
        at = end + 1;
        return key;
    }

    private static object? Named(object? values, string key) => values is Mapping mapping && mapping.TryGet(key, out object? value)
        ? value
        : throw new InvalidInputException(string.Create(CultureInfo.InvariantCulture, $"a format needs a value named '{key}'"));
}
