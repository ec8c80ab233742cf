using System.Text.Json;

namespace Kvasir.Formats;

/// <summary>
/// The JSON header of a safetensors file: per tensor its type, shape and byte range in the data that follow the header.
/// Read token by token, so that a hostile header takes no memory beyond the entries that it really lists.
/// </summary>
internal ref struct SafetensorsHeader(string path, ReadOnlySpan<byte> json, long dataStart, long dataLength)
{
    private const int MaxDimensions = 8;

    private readonly string _path = path;
    private readonly long _dataStart = dataStart;
    private readonly long _dataLength = dataLength;
    private Utf8JsonReader _json = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 });

    /// <exception cref="InvalidInputException">The header is malformed or lists ranges outside the data.</exception>
    public static (Dictionary<string, SafetensorsEntry> Entries, Dictionary<string, string> Metadata) Parse(
        string path, ReadOnlySpan<byte> json, long dataStart, long dataLength)
    {
        var header = new SafetensorsHeader(path, json, dataStart, dataLength);
        try
        {
            return header.ParseAll();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            // InvalidOperationException is the reader's answer to ill-formed UTF-8 and lone surrogates.
            throw DamagedFile.Error(path, $"its safetensors header is not valid JSON: {error.Message}", error);
        }
    }

    private (Dictionary<string, SafetensorsEntry>, Dictionary<string, string>) ParseAll()
    {
        var entries = new Dictionary<string, SafetensorsEntry>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        Expect(JsonTokenType.StartObject, "the header");
        while (NextProperty("the header") is { } name)
        {
            if (name == "__metadata__") ReadMetadata(metadata);
            else if (!entries.TryAdd(name, ReadEntry(name))) throw Invalid($"tensor '{name}' is listed twice");
        }
        while (_json.Read()) throw Invalid("text follows the JSON header");
        RequireDisjoint(entries.Values);
        return (entries, metadata);
    }

    private void ReadMetadata(Dictionary<string, string> metadata)
    {
        Expect(JsonTokenType.StartObject, "__metadata__");
        while (NextProperty("__metadata__") is { } key)
        {
            Expect(JsonTokenType.String, $"__metadata__ '{key}'");
            metadata[key] = _json.GetString()!;
        }
    }

    private SafetensorsEntry ReadEntry(string name)
    {
        string? type = null;
        List<long>? shape = null, offsets = null;
        Expect(JsonTokenType.StartObject, $"tensor '{name}'");
        while (NextProperty(name) is { } property)
        {
            switch (property)
            {
                case "dtype":
                    Expect(JsonTokenType.String, $"the dtype of tensor '{name}'");
                    type = _json.GetString();
                    break;
                case "shape": shape = ReadNumbers(name, MaxDimensions); break;
                case "data_offsets": offsets = ReadNumbers(name, 2); break;
                default: throw Invalid($"tensor '{name}' has the unknown property '{property}'");
            }
        }
        if (type == null || shape == null || offsets is not { Count: 2 })
            throw Invalid($"tensor '{name}' lacks its dtype, shape or data_offsets");
        if (offsets[0] > offsets[1] || offsets[1] > _dataLength)
            throw Invalid(
                $"the data of tensor '{name}' (bytes {offsets[0]} to {offsets[1]} of {_dataLength}) lie outside the file: it is truncated "
                + "or damaged; fetch it again");
        RequireLength(name, type, shape, offsets[1] - offsets[0]);
        return new SafetensorsEntry(name, type, shape, _dataStart + offsets[0], offsets[1] - offsets[0]);
    }

    private List<long> ReadNumbers(string name, int most)
    {
        Expect(JsonTokenType.StartArray, $"a list of tensor '{name}'");
        var numbers = new List<long>();
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_json.TokenType != JsonTokenType.Number || !_json.TryGetInt64(out long number) || number < 0 || numbers.Count == most)
                throw Invalid($"a shape or offset of tensor '{name}' is not at most {most} whole numbers");
            numbers.Add(number);
        }
        return numbers;
    }

    private readonly void RequireLength(string name, string type, List<long> shape, long length)
    {
        int size = ElementSize(type);
        if (size == 0) throw Invalid($"tensor '{name}' has the unknown type '{type}'");
        Int128 expected = size;
        foreach (long dimension in shape)
        {
            expected *= dimension;
            if (expected > long.MaxValue) throw Invalid($"the shape of tensor '{name}' is too large");
        }
        if (expected != length)
            throw Invalid($"tensor '{name}' of shape [{string.Join(", ", shape)}] needs {expected} bytes but has {length}");
    }

    private readonly void RequireDisjoint(IEnumerable<SafetensorsEntry> entries)
    {
        long end = 0;
        string previous = "";
        foreach (SafetensorsEntry entry in entries.Where(entry => entry.ByteLength > 0).OrderBy(entry => entry.Offset))
        {
            if (entry.Offset < end) throw Invalid($"tensors '{previous}' and '{entry.Name}' overlap");
            (end, previous) = (entry.Offset + entry.ByteLength, entry.Name);
        }
    }

    private static int ElementSize(string type) => type switch
    {
        "BOOL" or "U8" or "I8" or "F8_E4M3" or "F8_E5M2" => 1,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "F32" or "I32" or "U32" => 4,
        "F64" or "I64" or "U64" => 8,
        _ => 0,
    };

    /// <summary>The next property's name, or null at the end of the object.</summary>
    private string? NextProperty(string of)
    {
        if (!_json.Read()) throw Invalid($"{of} is cut off");
        return _json.TokenType == JsonTokenType.PropertyName ? _json.GetString() : null;
    }

    private void Expect(JsonTokenType token, string what)
    {
        if (!_json.Read() || _json.TokenType != token)
            throw Invalid(
                $"{what} should be a JSON "
                + $"{token switch { JsonTokenType.StartObject => "object", JsonTokenType.StartArray => "list", _ => "string" }}");
    }

    private readonly InvalidInputException Invalid(string problem) => DamagedFile.Error(_path, problem);
}
