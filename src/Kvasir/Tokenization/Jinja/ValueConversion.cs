using System.Collections;
using System.Numerics;
using System.Text.Json;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Values of the program as values of a template: strings, numbers, booleans, dictionaries, lists and JSON.</summary>
internal sealed class ValueConversion
{
    private const int MaxDepth = 100;
    private const int MaxDigits = 4300;

    /// <summary>Characters and items that were converted.</summary>
    public long Size { get; private set; }

    /// <exception cref="InvalidInputException">The value is of another type, or nested too deeply.</exception>
    public object? Convert(object? value, int depth = 0)
    {
        if (depth > MaxDepth)
            throw new InvalidInputException($"a variable of the chat template is nested more than {MaxDepth} levels deep");

        Size++;
        switch (value)
        {
            case null or bool or long or double or BigInteger:
                return value;
            case string text:
                Size += text.Length;
                return text;
            case JsonElement json:
                try
                {
                    return FromJson(json, depth);
                }
                catch (InvalidOperationException error)
                {
                    throw new InvalidInputException("a variable of the chat template is a text with half a surrogate pair", error);
                }
            case float or decimal or Half:
                return System.Convert.ToDouble(value, CultureInfo.InvariantCulture);
            case byte or sbyte or short or ushort or int or uint:
                return System.Convert.ToInt64(value, CultureInfo.InvariantCulture);
            case IEnumerable<KeyValuePair<string, object?>> entries:
                return FromEntries(entries.Select(entry => KeyValuePair.Create(entry.Key, entry.Value)), depth);
            case IEnumerable<KeyValuePair<string, string>> entries:
                return FromEntries(entries.Select(entry => KeyValuePair.Create(entry.Key, (object?)entry.Value)), depth);
            case IEnumerable items:
                return FromItems(items.Cast<object?>(), depth);
            default:
                throw new InvalidInputException(
                    $"a variable of the chat template has the type {value.GetType().Name}, which templates cannot use");
        }
    }

    private object? FromJson(JsonElement json, int depth) => json.ValueKind switch
    {
        JsonValueKind.String => Convert(json.GetString(), depth),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number => FromNumber(json.GetRawText()),
        JsonValueKind.Array => FromItems(json.EnumerateArray().Cast<object?>(), depth),
        JsonValueKind.Object =>
            FromEntries(json.EnumerateObject().Select(property => KeyValuePair.Create(property.Name, (object?)property.Value)), depth),
        _ => null,
    };

    /// <summary>As Python's json reads it: an integer of any size where there is neither point nor exponent.</summary>
    private static object? FromNumber(string digits)
    {
        if (digits.AsSpan().IndexOfAny('.', 'e', 'E') >= 0) return double.Parse(digits, CultureInfo.InvariantCulture);
        if (digits.Length <= MaxDigits) return Numbers.Of(BigInteger.Parse(digits, CultureInfo.InvariantCulture));
        throw new InvalidInputException($"a variable of the chat template is a number of more than {MaxDigits} digits");
    }

    private Mapping FromEntries(IEnumerable<KeyValuePair<string, object?>> entries, int depth)
    {
        var mapping = new Mapping();
        foreach ((string key, object? value) in entries)
        {
            Size += key.Length;
            mapping.Set(key, Convert(value, depth + 1));
        }

        return mapping;
    }

    private Sequence FromItems(IEnumerable<object?> items, int depth) => new([.. items.Select(item => Convert(item, depth + 1))]);
}
