namespace Kvasir.Tokenization.Jinja;

/// <summary>Python's <c>'{} {0.a[1]} {name!r:>{width}}'.format(…)</c>.</summary>
internal sealed class BraceFormat(RenderContext context, Arguments arguments)
{
    private long _next;
    private bool? _counts;

    public static string Apply(RenderContext context, string format, Arguments arguments) =>
        new BraceFormat(context, arguments).Fill(format, depth: 0);

    private string Fill(string format, int depth)
    {
        if (depth > 1) throw new InvalidInputException("format(): fields are nested too deeply");
        var result = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            char c = format[i];
            bool isBrace = c is '{' or '}', isDouble = isBrace && i + 1 < format.Length && format[i + 1] == c;
            if (!isBrace || isDouble)
            {
                result.Append(c);
                i += isDouble ? 1 : 0;
                continue;
            }

            int end = c == '{' ? End(format, i) : -1;
            if (end < 0) throw new InvalidInputException("format(): a brace stands alone");
            context.Charge(1 + ((end - i) / 16));
            result.Append(Field(format[(i + 1)..end], depth));
            context.Room(result.Length);
            i = end;
        }

        return result.ToString();
    }

    private static int End(string format, int start)
    {
        int open = 0;
        for (int i = start; i < format.Length; i++)
        {
            open += format[i] == '{' ? 1 : format[i] == '}' ? -1 : 0;
            if (open == 0) return i;
        }

        return -1;
    }

    private string Field(string field, int depth)
    {
        int end = 0;
        for (bool inBrackets = false; end < field.Length && (inBrackets || field[end] is not (':' or '!')); end++)
            inBrackets = field[end] == '[' || (inBrackets && field[end] != ']');

        object? value = Value(field[..end]);
        char conversion = end + 1 < field.Length && field[end] == '!' ? field[end + 1] : ' ';
        int rest = conversion == ' ' ? end : end + 2;
        value = conversion switch
        {
            ' ' => value,
            's' => Representation.Text(context, value),
            'r' or 'a' => Representation.Source(context, value),
            _ => throw new InvalidInputException($"format(): the conversion '{conversion}' is not known"),
        };
        if (rest < field.Length && field[rest] != ':') throw new InvalidInputException("format(): a ':' is missing in a field");
        string specification = rest < field.Length ? field[(rest + 1)..] : "";
        if (specification.Contains('{', StringComparison.Ordinal)) specification = Fill(specification, depth + 1);
        return FormatSpecification.Read(specification).Format(context, value);
    }

    /// <summary>A name or number, then attributes and items.</summary>
    private object? Value(string path)
    {
        int at = path.AsSpan().IndexOfAny('.', '[') is var first and >= 0 ? first : path.Length;
        object? value = Argument(path[..at]);
        while (at < path.Length)
        {
            bool isItem = path[at] == '[';
            int end = isItem ? path.IndexOf(']', at)
                : path.AsSpan(at + 1).IndexOfAny('.', '[') is var next and >= 0 ? at + 1 + next
                : path.Length;
            string name = end > at ? path[(at + 1)..end] : throw new InvalidInputException("format(): a bracket is not closed");
            context.Charge(1);
            value = isItem ? Lookup.Item(context, value, Index(name) is { } index ? index : name) : Lookup.Attribute(context, value, name);
            at = isItem ? end + 1 : end;
        }

        return value;
    }

    private object? Argument(string name)
    {
        long? index = name.Length == 0 ? _next++ : Index(name);
        if (index is not null && (_counts ??= name.Length == 0) != (name.Length == 0))
            throw new InvalidInputException("format(): fields with and without a number stand together");
        if (index is not null)
            return index < arguments.Positional.Count
                ? arguments.Positional[(int)index] : throw new InvalidInputException("format(): there are more fields than values");
        return arguments.Named.TryGetValue(name, out object? value)
            ? value : throw new InvalidInputException($"format(): there is no value '{name}'");
    }

    private static long? Index(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? index : null;
}
