using System.Text.Json;

namespace Kvasir.Tests.Generation.Constraints;

/// <summary>What the tests' schemas mean, checked on the finished value: shares nothing with the grammar.</summary>
internal static class PlainSchema
{
    public static bool Holds(JsonElement root, JsonElement schema, JsonElement value)
    {
        if (schema.TryGetProperty("$ref", out JsonElement reference))
            return Holds(root, root.GetProperty("$defs").GetProperty(reference.GetString()!.Split('/')[^1]), value);
        if (schema.TryGetProperty("const", out JsonElement constant)) return JsonElement.DeepEquals(constant, value);
        if (schema.TryGetProperty("enum", out JsonElement values))
            return values.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value));
        if (schema.TryGetProperty("anyOf", out JsonElement any)) return any.EnumerateArray().Any(one => Holds(root, one, value));
        if (!schema.TryGetProperty("type", out JsonElement type)) return true;
        string[] types = type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray().Select(one => one.GetString()!)]
            : [type.GetString()!];
        return types.Any(one => Is(root, one, schema, value));
    }

    private static bool Is(JsonElement root, string type, JsonElement schema, JsonElement value) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object && IsObject(root, schema, value),
        "array" => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() >= Number(schema, "minItems", 0)
            && value.GetArrayLength() <= Number(schema, "maxItems", int.MaxValue)
            && (!schema.TryGetProperty("items", out JsonElement items) || value.EnumerateArray().All(item => Holds(root, items, item))),
        "string" => value.ValueKind == JsonValueKind.String && value.GetString()!.EnumerateRunes().Count() is var length
            && length >= Number(schema, "minLength", 0) && length <= Number(schema, "maxLength", int.MaxValue)
            && (!schema.TryGetProperty("format", out _) || DateTimeOffset.TryParse(value.GetString(), CultureInfo.InvariantCulture, out _)
                || value.GetString()!.StartsWith("0000", StringComparison.Ordinal)
                || value.GetString()!.Contains('+') || value.GetString()!.Split('-').Length == 4), // offsets beyond .NET's 14 hours
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long whole)
            && whole >= Number(schema, "minimum", long.MinValue) && whole <= Number(schema, "maximum", long.MaxValue),
        "number" => value.ValueKind == JsonValueKind.Number && double.IsFinite(value.GetDouble()),
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        _ => value.ValueKind == JsonValueKind.Null,
    };

    private static bool IsObject(JsonElement root, JsonElement schema, JsonElement value)
    {
        bool hasProperties = schema.TryGetProperty("properties", out JsonElement properties);
        if (schema.TryGetProperty("required", out JsonElement required)
            && !required.EnumerateArray().All(name => value.TryGetProperty(name.GetString()!, out _))) return false;
        return value.EnumerateObject().All(member =>
            hasProperties ? properties.TryGetProperty(member.Name, out JsonElement own) && Holds(root, own, member.Value)
            : !schema.TryGetProperty("additionalProperties", out JsonElement each) || Holds(root, each, member.Value));
    }

    private static long Number(JsonElement schema, string keyword, long usual) =>
        schema.TryGetProperty(keyword, out JsonElement value) ? value.GetInt64() : usual;
}
