using System.Numerics;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Values as text: Python's <c>str</c> and <c>repr</c>.</summary>
internal static class Representation
{
    public static string Text(RenderContext context, object? value) => value switch
    {
        string text => text,
        Undefined => "",
        Sequence or Mapping or Namespace => Source(context, value),
        _ => Scalar(value),
    };

    /// <summary>The value as it would be written in Python source.</summary>
    public static string Source(RenderContext context, object? value)
    {
        var result = new StringBuilder();
        Append(context, result, value, 0);
        context.Charge(result.Length / 16);
        return result.ToString();
    }

    private static string Scalar(object? value) => value switch
    {
        null => "None",
        bool flag => flag ? "True" : "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        BigInteger number => Numbers.Digits(number),
        double number => FloatText.Shortest(number),
        Undefined => "Undefined",
        Generator generator => $"<{generator.Name} at 0x0>",
        _ => $"<{Operations.TypeName(value)}>",
    };

    private static void Append(RenderContext context, StringBuilder result, object? value, int depth)
    {
        context.Charge(1);
        context.Room(result.Length);
        if (depth > Operations.MaxValueDepth) throw Operations.TooDeep();
        switch (value)
        {
            case string text:
                context.ChargeText(text);
                result.Append(Quote(text));
                break;
            case Sequence { Kind: SequenceKind.Range } range:
                result.Append(range.Name);
                break;
            case Sequence sequence:
                bool isTuple = sequence.Kind == SequenceKind.Tuple, isView = sequence.Kind == SequenceKind.View;
                result.Append(isView ? sequence.Name + "([" : isTuple ? "(" : "[");
                AppendAll(context, result, sequence.Items, depth);
                result.Append(isView ? "])" : isTuple && sequence.Items.Count == 1 ? ",)" : isTuple ? ")" : "]");
                break;
            case Namespace space:
                result.Append("<Namespace ");
                AppendMapping(context, result, space.Attributes, depth);
                result.Append('>');
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

    public static bool IsPrintable(Rune rune) =>
        rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    public static string Quote(string text)
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
