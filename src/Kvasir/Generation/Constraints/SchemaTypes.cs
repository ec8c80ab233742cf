using System.Text.Json;

namespace Kvasir.Generation.Constraints;

/// <summary>Types of JSON values as schemas tell them apart: whole numbers are numbers too.</summary>
[Flags]
internal enum SchemaTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Object = 4,
    Array = 8,
    String = 16,
    Whole = 32,
    Fraction = 64,
    Number = Whole | Fraction,
    Any = 127,
}

/// <summary>What values, names and <c>type</c> keywords say of types.</summary>
internal static class SchemaTypesReading
{
    /// <exception cref="InvalidInputException">There is no such type.</exception>
    public static SchemaTypes Named(string name) => name switch
    {
        "null" => SchemaTypes.Null,
        "boolean" => SchemaTypes.Boolean,
        "object" => SchemaTypes.Object,
        "array" => SchemaTypes.Array,
        "string" => SchemaTypes.String,
        "integer" => SchemaTypes.Whole,
        "number" => SchemaTypes.Number,
        _ => throw JsonSchemaGrammar.Wrong($"there is no type {name}"),
    };

    /// <summary>Of the value of a <c>type</c> keyword, one name or a list of them.</summary>
    public static SchemaTypes OfKeyword(JsonElement type) => type.ValueKind == JsonValueKind.Array
        ? type.EnumerateArray().Aggregate(SchemaTypes.None, (all, one) => all | OfKeyword(one))
        : Named(type.ValueKind == JsonValueKind.String ? type.GetString()! : type.GetRawText());

    /// <summary>Of a value; numbers too large to tell count as both kinds.</summary>
    public static SchemaTypes OfValue(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => SchemaTypes.Null,
        JsonValueKind.True or JsonValueKind.False => SchemaTypes.Boolean,
        JsonValueKind.Object => SchemaTypes.Object,
        JsonValueKind.Array => SchemaTypes.Array,
        JsonValueKind.String => SchemaTypes.String,
        _ => !value.TryGetDecimal(out decimal number) ? SchemaTypes.Number
            : number == decimal.Truncate(number) ? SchemaTypes.Whole : SchemaTypes.Fraction,
    };
}
