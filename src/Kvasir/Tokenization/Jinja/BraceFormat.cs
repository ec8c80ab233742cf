using System.Globalization;
using System.Text;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Python's <c>'{} {0} {name:>8}'.format(…)</c>, without attributes or items of the values.</summary>
internal static class BraceFormat
{
    public static string Apply(RenderContext context, string format, Arguments arguments)
    {
        var result = new StringBuilder();
        int next = 0;
        for (int i = 0; i < format.Length; i++)
        {
            char c = format[i];
            if (c is '{' or '}' && i + 1 < format.Length && format[i + 1] == c)
            {
                result.Append(c);
                i++;
                continue;
            }

            if (c is not ('{' or '}'))
            {
                result.Append(c);
                continue;
            }

            int end = c == '{' ? format.IndexOf('}', i) : -1;
            if (end < 0)
            {
                throw new InvalidInputException("format(): a brace stands alone");
            }

            result.Append(Field(context, format[(i + 1)..end], arguments, ref next));
            context.Room(result.Length);
            context.Charge(1);
            i = end;
        }

        return context.Text(result.ToString());
    }

    private static string Field(RenderContext context, string field, Arguments arguments, ref int next)
    {
        string[] parts = field.Split(':', 2);
        string[] nameAndForm = parts[0].Split('!', 2);
        string name = nameAndForm[0];
        object? value = Value(name.Length == 0 ? (next++).ToString(CultureInfo.InvariantCulture) : name, arguments);
        value = nameAndForm.Length == 1 ? value : nameAndForm[1] == "r" && value is string ? Representation.Quote(value) : Representation.Text(context, value);
        FormatSpecification specification = FormatSpecification.ReadBrace(parts.Length > 1 ? parts[1] : "");
        char kind = specification.Kind != ' ' ? specification.Kind
            : value is double && specification.Precision is not null ? 'g'
            : value is long && specification.Width + (specification.Grouped ? 1 : 0) > 0 ? 'd'
            : 's';
        return specification.Apply(context, value, kind);
    }

    private static object? Value(string name, Arguments arguments)
    {
        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index))
        {
            return index < arguments.Positional.Count ? arguments.Positional[index] : throw new InvalidInputException("format(): there are more fields than values");
        }

        return arguments.Named.TryGetValue(name, out object? value) ? value : throw new InvalidInputException($"format(): there is no value '{name}'");
    }
}
