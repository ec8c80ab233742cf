using System.Globalization;
using System.Text;

namespace Kvasir.Tokenization.Jinja;

/// <summary>The filter <c>tojson</c>: JSON as Python's <c>json.dumps</c> spaces it.</summary>
internal sealed class JsonText
{
    private readonly RenderContext _context;
    private readonly StringBuilder _result = new();
    private readonly bool _ascii;
    private readonly bool _sorted;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;

    private JsonText(RenderContext context, bool ascii, bool sorted, string? indent, string itemSeparator, string keySeparator)
    {
        _context = context;
        _ascii = ascii;
        _sorted = sorted;
        _indent = indent;
        _itemSeparator = itemSeparator;
        _keySeparator = keySeparator;
    }

    /// <summary>The arguments of the filter: ensure_ascii, indent, separators, sort_keys.</summary>
    public static string Write(RenderContext context, object? value, BoundArguments arguments)
    {
        const int MaxIndent = 100;
        string? indent = arguments.Get(1, null) switch
        {
            null => null,
            string text => text,
            _ => new string(' ', (int)Math.Clamp(arguments.Integer(1), 0, MaxIndent)),
        };
        (string item, string key) = arguments.Get(2, null) switch
        {
            null => (indent is null ? ", " : ",", ": "),
            Sequence { Items: [string first, string second] } => (first, second),
            _ => throw new InvalidInputException("tojson: separators must be two strings"),
        };
        var writer = new JsonText(context, arguments.Flag(0), arguments.Flag(3), indent, item, key);
        writer.Write(value, 0);
        return context.Text(writer._result.ToString());
    }

    private void Write(object? value, int depth)
    {
        _context.Charge(1);
        _context.Room(_result.Length);
        if (depth > Operations.MaxValueDepth)
        {
            throw Operations.TooDeep();
        }

        switch (value)
        {
            case string text:
                WriteString(text);
                break;
            case Sequence { Kind: not SequenceKind.Generator } sequence:
                WriteAll('[', ']', sequence.Items, depth, item => Write(item, depth + 1));
                break;
            case Mapping mapping:
                WriteAll('{', '}', Entries(mapping), depth, entry => WriteEntry(entry, depth));
                break;
            default:
                _result.Append(Scalar(value));
                break;
        }
    }

    private List<KeyValuePair<object?, object?>> Entries(Mapping mapping)
    {
        List<KeyValuePair<object?, object?>> entries = [.. mapping.Entries];
        return _sorted ? [.. entries.Order(Comparer<KeyValuePair<object?, object?>>.Create((a, b) => Operations.Compare(_context, a.Key, b.Key)))] : entries;
    }

    private void WriteEntry(KeyValuePair<object?, object?> entry, int depth)
    {
        WriteString(entry.Key as string ?? Scalar(entry.Key));
        _result.Append(_keySeparator);
        Write(entry.Value, depth + 1);
    }

    private void WriteAll<T>(char open, char close, IReadOnlyList<T> items, int depth, Action<T> write)
    {
        _result.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            _result.Append(i > 0 ? _itemSeparator : "");
            NewLine(depth + 1);
            write(items[i]);
        }

        if (items.Count > 0)
        {
            NewLine(depth);
        }

        _result.Append(close);
    }

    private void NewLine(int depth)
    {
        if (_indent is null)
        {
            return;
        }

        _result.Append('\n');
        for (int i = 0; i < depth; i++)
        {
            _result.Append(_indent);
        }
    }

    private static string Scalar(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => double.IsNaN(number) ? "NaN" : double.IsInfinity(number) ? (number > 0 ? "Infinity" : "-Infinity") : Representation.Float(number),
        Undefined undefined => throw undefined.Fail(),
        _ => throw new InvalidInputException($"{Operations.TypeName(value)} cannot be written as JSON"),
    };

    private void WriteString(string text)
    {
        _context.Charge(text.Length / 16);
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
                _ when c < ' ' || (_ascii && c > '~') => _result.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => _result.Append(c),
            };
        }

        _result.Append('"');
    }
}
