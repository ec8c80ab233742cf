using System.Numerics;

namespace Kvasir.Tokenization.Jinja;

/// <summary>The filter <c>tojson</c>: JSON as Python's <c>json.dumps</c> spaces it.</summary>
internal sealed class JsonText(RenderContext context, bool ascii, bool sorted, string? indent, string itemSeparator, string keySeparator)
{
    private readonly StringBuilder _result = new();
    private readonly string? _indent = indent;

    /// <summary>The arguments of the filter: ensure_ascii, indent, separators, sort_keys.</summary>
    public static string Write(Call call)
    {
        string? indent = call.Get(1) switch
        {
            null => null,
            string text => text,
            _ => new string(' ', call.Context.Room(Math.Max(0, call.Integer(1)))),
        };
        (string item, string key) = call.Get(2) switch
        {
            null => (indent is null ? ", " : ",", ": "),
            Sequence { Items: [string first, string second] } => (first, second),
            _ => throw call.Fail("the separators must be two strings"),
        };
        var writer = new JsonText(call.Context, call.Flag(0), call.Flag(3), indent, item, key);
        writer.Write(call.Target, 0);
        return writer._result.ToString();
    }

    private void Write(object? value, int depth)
    {
        context.Charge(1);
        context.Room(_result.Length);
        if (depth > Operations.MaxValueDepth) throw Operations.TooDeep();
        if (value is string text) WriteString(text);
        else if (value is Sequence { Kind: SequenceKind.List or SequenceKind.Tuple } sequence)
            WriteAll('[', ']', sequence.Items, depth, item => Write(item, depth + 1));
        else if (value is Mapping mapping) WriteAll('{', '}', Entries(mapping), depth, entry => WriteEntry((Sequence)entry!, depth));
        else _result.Append(Scalar(value));
    }

    private List<object?> Entries(Mapping mapping)
    {
        List<object?> pairs = [.. mapping.Pairs];
        return sorted ? Operations.Sorted(context, pairs, pair => ((Sequence)pair!).Items[0]) : pairs;
    }

    private void WriteEntry(Sequence entry, int depth)
    {
        WriteString(entry.Items[0] as string ?? Scalar(entry.Items[0]));
        _result.Append(keySeparator);
        Write(entry.Items[1], depth + 1);
    }

    private void WriteAll(char open, char close, IReadOnlyList<object?> items, int depth, Action<object?> write)
    {
        _result.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            _result.Append(i > 0 ? itemSeparator : "");
            NewLine(depth + 1);
            write(items[i]);
        }

        if (items.Count > 0) NewLine(depth);
        _result.Append(close);
    }

    private void NewLine(int depth)
    {
        if (_indent is null) return;
        _result.Append('\n');
        context.Room(_result.Length + ((long)depth * _indent.Length));
        for (int i = 0; i < depth; i++) _result.Append(_indent);
    }

    private static string Scalar(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        double.NaN => "NaN",
        double.PositiveInfinity => "Infinity",
        double.NegativeInfinity => "-Infinity",
        double number => FloatText.Shortest(number),
        long number => number.ToString(CultureInfo.InvariantCulture),
        BigInteger number => Numbers.Digits(number),
        Undefined undefined => throw undefined.Fail(),
        _ => throw new InvalidInputException($"{Operations.TypeName(value)} cannot be written as JSON"),
    };

    private void WriteString(string text)
    {
        context.Charge(text.Length / 8);
        context.Room(_result.Length + (long)text.Length);
        _result.Append('"');
        foreach (char c in text)
        {
            _ = c switch
            {
                '"' => _result.Append("\\\""),
                '\\' => _result.Append("\\\\"),
                '\n' => _result.Append("\\n"),
                '\r' => _result.Append("\\r"),
                '\t' => _result.Append("\\t"),
                '\b' => _result.Append("\\b"),
                '\f' => _result.Append("\\f"),
                _ when c < ' ' || (ascii && c > '~') => _result.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => _result.Append(c),
            };
        }

        _result.Append('"');
    }
}
