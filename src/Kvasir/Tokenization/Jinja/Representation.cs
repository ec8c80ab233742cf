using System.Globalization;
using System.Text;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Values as text: Python's <c>str</c> and <c>repr</c>.</summary>
internal static class Representation
{
    public static string Text(RenderContext context, object? value)
    {
        switch (value)
        {
            case string text:
                return text;
            case Undefined:
                return "";
            case Sequence or Mapping:
                var result = new StringBuilder();
                Append(context, result, value, 0);
                context.Charge(result.Length / 16);
                return result.ToString();
            default:
                return Scalar(value);
        }
    }

    /// <summary>The value as it would be written in Python source.</summary>
    public static string Quote(object? value) => value is string text ? Quote(text) : Scalar(value);

    /// <summary>Python's shortest float form that reads back the same.</summary>
    public static string Float(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }

        string shortest = value.ToString("E16", CultureInfo.InvariantCulture);
        int exponent = value == 0 ? 0 : int.Parse(shortest.AsSpan(shortest.IndexOf('E', StringComparison.Ordinal) + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        if (exponent is >= -4 and < 16)
        {
            string plain = text.Contains('E', StringComparison.Ordinal) ? decimal.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture) : text;
            return plain.Contains('.', StringComparison.Ordinal) ? plain : plain + ".0";
        }

        int mark = text.IndexOf('E', StringComparison.Ordinal);
        string digits = mark < 0 ? Scientific(text) : text[..mark];
        string power = Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture);
        return $"{digits}e{(exponent < 0 ? '-' : '+')}{power}";
    }

    private static string Scientific(string plain)
    {
        string sign = plain.StartsWith('-') ? "-" : "";
        string digits = plain.Replace("-", "", StringComparison.Ordinal).Replace(".", "", StringComparison.Ordinal).Trim('0');
        return sign + digits[..1] + (digits.Length > 1 ? "." + digits[1..] : "");
    }

    private static string Scalar(object? value) => value switch
    {
        null => "None",
        bool flag => flag ? "True" : "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => Float(number),
        Undefined => "Undefined",
        Namespace => "<Namespace>",
        Sequence => "<generator>",
        _ => $"<{Operations.TypeName(value)}>",
    };

    private static void Append(RenderContext context, StringBuilder result, object? value, int depth)
    {
        context.Charge(1);
        context.Room(result.Length);
        if (depth > Operations.MaxValueDepth)
        {
            throw Operations.TooDeep();
        }

        switch (value)
        {
            case string text:
                result.Append(Quote(text));
                break;
            case Sequence { Kind: not SequenceKind.Generator } sequence:
                bool isTuple = sequence.Kind == SequenceKind.Tuple;
                result.Append(isTuple ? '(' : '[');
                AppendAll(context, result, sequence.Items, depth);
                result.Append(isTuple && sequence.Items.Count == 1 ? ",)" : isTuple ? ")" : "]");
                break;
            case Mapping mapping:
                AppendMapping(context, result, mapping, depth);
                break;
            default:
                result.Append(Scalar(value));
                break;
        }
    }

    private static void AppendAll(RenderContext context, StringBuilder result, IReadOnlyList<object?> items, int depth)
    {
        for (int i = 0; i < items.Count; i++)
        {
            result.Append(i > 0 ? ", " : "");
            Append(context, result, items[i], depth + 1);
        }
    }

    private static void AppendMapping(RenderContext context, StringBuilder result, Mapping mapping, int depth)
    {
        result.Append('{');
        bool first = true;
        foreach ((object? key, object? value) in mapping.Entries)
        {
            result.Append(first ? "" : ", ");
            first = false;
            Append(context, result, key, depth + 1);
            result.Append(": ");
            Append(context, result, value, depth + 1);
        }

        result.Append('}');
    }

    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    private static string Quote(string text)
    {
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        var result = new StringBuilder(text.Length + 2).Append(quote);
        foreach (Rune rune in text.EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '\n' => result.Append("\\n"),
                '\r' => result.Append("\\r"),
                '\t' => result.Append("\\t"),
                '\\' => result.Append("\\\\"),
                int code when code == quote => result.Append('\\').Append(quote),
                _ when IsPrintable(rune) => result.Append(rune.ToString()),
                < 0x100 => result.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}"),
                < 0x10000 => result.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}"),
                _ => result.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}"),
            };
        }

        return result.Append(quote).ToString();
    }
}
