namespace Kvasir.Server.Requests;

/// <summary>
/// Reads the fields of a JSON object. A field that is not in the list is refused, so that nobody believes it did something; null is as if
/// the field were not there.
/// </summary>
internal sealed class RequestReader
{
    private readonly JsonElement _object;
    private readonly string _path;

    /// <exception cref="RequestException">No object, a field that is not known here, or a missing one that must be there.</exception>
    public RequestReader(JsonElement value, IReadOnlyList<Field> fields, string path = "")
    {
        if (value.ValueKind != JsonValueKind.Object) throw RequestException.Bad($"{path}: give an object", path);
        (_object, _path) = (value, path.Length == 0 ? "" : path + ".");
        foreach (JsonProperty member in value.EnumerateObject())
            if (member.Value.ValueKind != JsonValueKind.Null && !fields.Any(field => field.Name == member.Name))
                throw RequestException.Bad($"{_path}{Short(member.Name)} is not supported; what is, stands in /openapi.json", _path
                    + Short(member.Name));
        foreach (Field field in fields)
            if (field.Required && Get(field.Name) is null)
                throw RequestException.Bad($"{_path}{field.Name} is missing", _path + field.Name);
    }

    /// <summary>What <c>type</c> says of an item whose fields depend on it; null where it says nothing.</summary>
    public static string? TypeOf(JsonElement item) => item.ValueKind == JsonValueKind.Object
        && item.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String ? type.GetString() : null;

    public JsonElement? Get(string name) =>
        _object.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public string? Text(string name, int mostCharacters = int.MaxValue) => Get(name) is not { } value ? null
        : value.ValueKind != JsonValueKind.String ? throw Wrong(name, "give a text")
        : value.GetString() is { } text && text.Length <= mostCharacters ? text
            : throw Wrong(name, $"give at most {mostCharacters} characters");

    public bool? Flag(string name) => Get(name) is not { } value ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(name, "give true or false");

    public double? Number(string name, double least, double most) => Get(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= least && number <= most ? number
        : throw Wrong(name, $"give a number from {least} to {most}");

    public long? Whole(string name, long least, long most) => Get(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number >= least && number <= most ? number
        : throw Wrong(name, $"give a whole number from {least} to {most}");

    /// <summary>One of these words.</summary>
    public string? Word(string name, params string[] words) =>
        Text(name) is not { } text ? null : words.Contains(text) ? text : throw Wrong(name, $"give {string.Join(" or ", words)}");

    public IReadOnlyList<JsonElement> List(string name, int most) => Get(name) is not { } value ? []
        : value.ValueKind != JsonValueKind.Array ? throw Wrong(name, "give a list")
        : value.GetArrayLength() <= most ? [.. value.EnumerateArray()] : throw Wrong(name, $"give at most {most} items");

    public RequestReader? Object(string name, IReadOnlyList<Field> fields) =>
        Get(name) is { } value ? new RequestReader(value, fields, _path + name) : null;

    /// <summary>A text, or a list of texts.</summary>
    public IReadOnlyList<string>? Texts(string name, int most, int mostCharacters = int.MaxValue)
    {
        if (Get(name) is not { } value) return null;
        JsonElement[] items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
        if (items.Length > most) throw Wrong(name, $"give at most {most} texts");
        if (items.Any(item => item.ValueKind != JsonValueKind.String)) throw Wrong(name, "give a text or a list of texts");
        return items.All(item => item.GetString()!.Length <= mostCharacters) ? [.. items.Select(item => item.GetString()!)]
            : throw Wrong(name, $"give texts of at most {mostCharacters} characters");
    }

    public RequestException Wrong(string name, string mend) => RequestException.Bad($"{_path}{name}: {mend}", _path + name);

    private static string Short(string name) => name.Length <= 60 ? name : name[..60] + "…";
}
