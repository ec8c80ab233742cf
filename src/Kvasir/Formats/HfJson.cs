using System.Text.Json;
using System.Text.Unicode;

namespace Kvasir.Formats;

/// <summary>
/// A JSON object of a Hugging Face folder with typed look-ups. A property that is null counts as none;
/// one that is absent takes its default where <see cref="With"/> gave one.
/// </summary>
internal sealed class HfJson(
    JsonElement element, string path, string place, HashSet<string>? asked = null, IReadOnlyDictionary<string, double>? defaults = null)
{
    private const long MaxBytes = 1 << 28;

    private readonly HashSet<string> _asked = asked ?? new HashSet<string>(StringComparer.Ordinal);

    /// <summary>The file.</summary>
    public string Path { get; } = path;

    public IEnumerable<string> Names => element.EnumerateObject().Select(property => property.Name);

    /// <exception cref="InvalidInputException">The file is missing, too large, or not a JSON object.</exception>
    public static HfJson Read(string file)
    {
        try
        {
            byte[] bytes = ReadBytes(file);
            RequireUnicode(file, bytes);
            using var document = JsonDocument.Parse(bytes);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new InvalidInputException($"{file} should be a JSON object");
            return new HfJson(document.RootElement.Clone(), file, "");
        }
        catch (JsonException error)
        {
            throw DamagedFile.Error(file, $"not valid JSON: {error.Message}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{file} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>As <see cref="Read"/>; null where there is no such file.</summary>
    public static HfJson? ReadIfThere(string folder, string name) =>
        System.IO.Path.Combine(folder, name) is var file && File.Exists(file) ? Read(file) : null;

    /// <summary>The same object with defaults for absent numbers.</summary>
    public HfJson With(IReadOnlyDictionary<string, double> absent) => new(element, Path, place, _asked, absent);

    /// <summary>Refuses settings, also in objects inside, that nobody asked for though they change what is computed.</summary>
    /// <exception cref="InvalidInputException">There is one.</exception>
    public void RefuseUnread()
    {
        UnreadSettings.Refuse(Path, "", Values(element, place), _asked);

        static IEnumerable<(string, object?)> Values(JsonElement parent, string within) => parent.EnumerateObject().SelectMany(property =>
            property.Value.ValueKind == JsonValueKind.Object
                ? Values(property.Value, $"{within}{property.Name}.")
                : [(within + property.Name, Value(property.Value))]);
        static object? Value(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.Number => value.GetDouble(),
            JsonValueKind.String => value.GetString(),
            JsonValueKind.True => true,
            JsonValueKind.Array => value.EnumerateArray().Select(Value),
            _ => null,
        };
    }

    public string? Text(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(name, "a text");

    public bool? Flag(string name) => Find(name) is not { } value ? null
        : value.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => throw Wrong(name, "true or false") };

    public double? Number(string name) => Find(name) is not { } value
        ? (IsAbsent(name) && defaults?.TryGetValue(name, out double fallback) == true ? fallback : null)
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number)
            ? number : throw Wrong(name, "a number");

    public long? Integer(string name) => Number(name) is not { } number ? null
        : Math.Abs(number) <= 1L << 53 && double.IsInteger(number) ? (long)number : throw Wrong(name, "a whole number");

    public HfJson? Object(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? new HfJson(value, Path, $"{place}{name}.", _asked) : throw Wrong(name, "an object");

    /// <summary>The objects of a list, or null where <paramref name="name"/> is not a list.</summary>
    public IReadOnlyList<HfJson>? Objects(string name) => Find(name) is not { ValueKind: JsonValueKind.Array } list ? null
        : [.. list.EnumerateArray()
            .Select(value =>
            value.ValueKind == JsonValueKind.Object ? new HfJson(value, Path, $"{place}{name}.") : throw Wrong(name, "a list of objects"))];

    /// <summary>A value of any kind as text.</summary>
    public string? Spelled(string name) => Find(name)?.ToString();

    public bool IsText(string name) => Find(name)?.ValueKind == JsonValueKind.String;

    public string[]? Texts(string name) =>
        List(name, "a list of texts", value => value.ValueKind == JsonValueKind.String ? (true, value.GetString()!) : (false, ""));

    public double[]? Numbers(string name) => List(name, "a list of numbers", value =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number)
            ? (true, number) : (false, 0));

    /// <summary>A whole number, or a list of them.</summary>
    public long[]? Integers(string name) => Find(name) is { ValueKind: JsonValueKind.Number } ? [Integer(name)!.Value]
        : List(name, "a list of whole numbers", value =>
            value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? (true, number) : (false, 0));

    public InvalidInputException Wrong(string name, string expected) => DamagedFile.Error(Path, $"\"{place}{name}\" should be {expected}");

    private T[]? List<T>(string name, string expected, Func<JsonElement, (bool Fits, T Value)> read) => Find(name) is not { } list ? null
        : list.ValueKind != JsonValueKind.Array ? throw Wrong(name, expected)
        : [.. list.EnumerateArray().Select(value => read(value) is (true, var item) ? item : throw Wrong(name, expected))];

    private JsonElement? Find(string name)
    {
        _asked.Add(place + name);
        return element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    private bool IsAbsent(string name) => !element.TryGetProperty(name, out _);

    private static byte[] ReadBytes(string source)
    {
        if (!File.Exists(source)) throw new InvalidInputException($"{source} does not exist");
        using FileStream file = File.OpenRead(source);
        if (file.Length > MaxBytes) throw new InvalidInputException($"{source} is larger than {MaxBytes} bytes");
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Looks for ill-formed UTF-8 and lone surrogates, which would be found only when a text or name is read.</summary>
    private static void RequireUnicode(string source, ReadOnlySpan<byte> bytes)
    {
        if (!Utf8.IsValid(bytes)) throw DamagedFile.Error(source, "not well-formed UTF-8");
        var reader = new Utf8JsonReader(bytes);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped) reader.GetString();
            }
        }
        catch (InvalidOperationException error)
        {
            throw DamagedFile.Error(source, $"a text at byte {reader.TokenStartIndex} has half a surrogate pair", error);
        }
    }
}
