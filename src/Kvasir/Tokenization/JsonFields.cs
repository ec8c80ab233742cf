using System.Text.Json;

namespace Kvasir.Tokenization;

/// <summary>An object of tokenizer.json, with the place it stands at for errors.</summary>
/// <exception cref="InvalidInputException">It is not an object.</exception>
internal readonly struct JsonFields(JsonElement element, string place)
{
    private readonly JsonElement _element = element.ValueKind == JsonValueKind.Object
        ? element : throw new InvalidInputException($"{place} is not an object");

    /// <summary>Where it stands: file and path.</summary>
    public string Place { get; } = place;

    /// <summary>Its text, for the identity.</summary>
    public string Raw => _element.GetRawText();

    /// <summary>The field <c>type</c>.</summary>
    public string Type => Text("type");

    /// <summary>Its fields.</summary>
    public JsonElement.ObjectEnumerator All => _element.EnumerateObject();

    /// <summary>Whether the field is there and not null.</summary>
    public bool Has(string name) => _element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null;

    /// <summary>A text field; <paramref name="fallback"/> where it is missing or null.</summary>
    public string Text(string name, string? fallback = null) =>
        fallback is not null && !Has(name) ? fallback : Field(name, JsonValueKind.String).GetString()!;

    /// <summary>A flag; <paramref name="fallback"/> where it is missing or null.</summary>
    public bool Flag(string name, bool fallback)
    {
        if (!Has(name)) return fallback;
        JsonElement value = _element.GetProperty(name);
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(name);
    }

    /// <summary>A whole number.</summary>
    public int Integer(string name, int? fallback = null) =>
        fallback is { } given && !Has(name) ? given
            : Field(name, JsonValueKind.Number).TryGetInt32(out int value) ? value
            : throw Wrong(name);

    /// <summary>A list.</summary>
    public JsonElement[] Items(string name) => [.. Field(name, JsonValueKind.Array).EnumerateArray()];

    /// <summary>A list of objects.</summary>
    public JsonFields[] Objects(string name)
    {
        string list = $"{Place}.{name}";
        return [.. Items(name).Select((item, index) => new JsonFields(item, $"{list}[{index}]"))];
    }

    /// <summary>An object.</summary>
    public JsonFields Object(string name) => new(Field(name, JsonValueKind.Object), $"{Place}.{name}");

    /// <summary>The error of a field that is not what it should be.</summary>
    public InvalidInputException Wrong(string name) => new($"{Place}.{name} is missing or not of the kind that is expected");

    /// <summary>The error of something that is not supported.</summary>
    public InvalidInputException Unsupported(string what) => new($"{Place}: {what} is not supported");

    private JsonElement Field(string name, JsonValueKind kind) =>
        _element.TryGetProperty(name, out JsonElement value) && value.ValueKind == kind ? value : throw Wrong(name);
}
