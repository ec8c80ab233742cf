using System.Text.Json;
using System.Text.RegularExpressions;

namespace Kvasir.Tests.Generation.Constraints;

/// <summary>What the tests' schemas mean, checked on the finished value: shares nothing with the grammar.</summary>
internal static class PlainSchema
{
    public static bool Holds(JsonElement root, JsonElement schema, JsonElement value)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False) return schema.GetBoolean();
        if (schema.TryGetProperty("$ref", out JsonElement reference))
            return Holds(root, root.GetProperty("$defs").GetProperty(reference.GetString()!.Split('/')[^1]), value);
        return (!schema.TryGetProperty("const", out JsonElement constant) || JsonElement.DeepEquals(constant, value))
            && (!schema.TryGetProperty("enum", out JsonElement values)
                || values.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value)))
            && (!schema.TryGetProperty("anyOf", out JsonElement any) || any.EnumerateArray().Any(one => Holds(root, one, value)))
            && (!schema.TryGetProperty("oneOf", out JsonElement ways) || ways.EnumerateArray().Count(one => Holds(root, one, value)) == 1)
            && (!schema.TryGetProperty("type", out JsonElement type)
                || (type.ValueKind == JsonValueKind.Array ? type.EnumerateArray() : Enumerable.Repeat(type, 1)).Any(one => Is(one, value)))
            && value.ValueKind switch
            {
                JsonValueKind.Object => HoldsObject(root, schema, value),
                JsonValueKind.Array => HoldsArray(root, schema, value),
                JsonValueKind.String => HoldsString(schema, value.GetString()!),
                JsonValueKind.Number => HoldsNumber(schema, value.GetDouble()),
                _ => true,
            };
    }

    private static bool Is(JsonElement type, JsonElement value) => type.GetString() switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "integer" => value.ValueKind == JsonValueKind.Number && double.IsInteger(value.GetDouble()),
        "number" => value.ValueKind == JsonValueKind.Number && double.IsFinite(value.GetDouble()),
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        _ => value.ValueKind == JsonValueKind.Null,
    };

    private static bool HoldsArray(JsonElement root, JsonElement schema, JsonElement value)
    {
        JsonElement[] first = schema.TryGetProperty("prefixItems", out JsonElement prefix) ? [.. prefix.EnumerateArray()] : [];
        return value.GetArrayLength() >= Number(schema, "minItems", 0) && value.GetArrayLength() <= Number(schema, "maxItems", int.MaxValue)
            && value.EnumerateArray().Zip(first).All(pair => Holds(root, pair.Second, pair.First))
            && (!schema.TryGetProperty("items", out JsonElement items)
                || value.EnumerateArray().Skip(first.Length).All(item => Holds(root, items, item)));
    }

    private static bool HoldsString(JsonElement schema, string value) => value.EnumerateRunes().Count() is var length
        && length >= Number(schema, "minLength", 0) && length <= Number(schema, "maxLength", int.MaxValue)
        && (!schema.TryGetProperty("pattern", out JsonElement pattern)
            || Regex.IsMatch(value, pattern.GetString()!, RegexOptions.ECMAScript, TimeSpan.FromSeconds(5)))
        && (!schema.TryGetProperty("format", out _) || DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, out _)
            || value.StartsWith("0000", StringComparison.Ordinal)
            || value.Contains('+') || value.Split('-').Length == 4); // offsets beyond .NET's 14 hours

    private static bool HoldsNumber(JsonElement schema, double value) =>
        value >= Number(schema, "minimum", double.MinValue) && value <= Number(schema, "maximum", double.MaxValue)
        && value > Number(schema, "exclusiveMinimum", double.NegativeInfinity)
        && value < Number(schema, "exclusiveMaximum", double.PositiveInfinity);

    private static bool HoldsObject(JsonElement root, JsonElement schema, JsonElement value)
    {
        bool hasProperties = schema.TryGetProperty("properties", out JsonElement properties);
        if (schema.TryGetProperty("required", out JsonElement required)
            && !required.EnumerateArray().All(name => value.TryGetProperty(name.GetString()!, out _))) return false;
        return value.EnumerateObject().All(member =>
            hasProperties && properties.TryGetProperty(member.Name, out JsonElement own) ? Holds(root, own, member.Value)
            : !schema.TryGetProperty("additionalProperties", out JsonElement each) || Holds(root, each, member.Value));
    }

    private static double Number(JsonElement schema, string keyword, double usual) =>
        schema.TryGetProperty(keyword, out JsonElement value) ? value.GetDouble() : usual;
}
