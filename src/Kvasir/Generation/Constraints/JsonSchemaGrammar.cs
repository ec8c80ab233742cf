using System.Text.Encodings.Web;
using System.Text.Json;
using static Kvasir.Generation.Constraints.GrammarExpression;

namespace Kvasir.Generation.Constraints;

/// <summary>
/// Rules for the JSON that a schema allows (2020-12, the part of it that can be kept while generating). Objects get the properties that
/// the schema names, in its order, and no others; what has a keyword that would not be kept is refused, except for those that only
/// describe.
/// </summary>
internal sealed class JsonSchemaGrammar(JsonElement root)
{
    public const string Root = "root";

    private const int MostLength = 1 << 18, MostDepth = 32, MostSchemas = 5_000, MostItems = 1_000, MostCharacters = 2_000;
    private const long LargestInteger = 999_999_999_999_999;

    private static readonly HashSet<string> Describing = new(
        ["title", "description", "default", "examples", "$schema", "$id", "$comment", "$defs", "definitions", "deprecated", "readOnly",
            "writeOnly", "strict", "$anchor", "discriminator"], StringComparer.Ordinal);

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Dictionary<string, GrammarExpression> _rules = JsonGrammar.Rules();
    private readonly List<JsonElement[]> _oneOf = [];
    private int _schemas;

    /// <exception cref="InvalidInputException">No schema, or one that cannot be kept.</exception>
    public IReadOnlyDictionary<string, GrammarExpression> Rules()
    {
        if (root.ValueKind is not (JsonValueKind.Object or JsonValueKind.True)) throw Wrong("it is no object");
        if (root.GetRawText().Length > MostLength) throw Wrong($"it has more than {MostLength} characters");
        _rules[Root] = Nothing;
        _rules[Root] = Of(root, 0);
        var overlap = new SchemaOverlap(root);
        foreach (JsonElement[] alternatives in _oneOf) overlap.Refuse(alternatives);
        return _rules;
    }

    private GrammarExpression Of(JsonElement schema, int depth)
    {
        if (depth > MostDepth) throw Wrong($"it is nested more than {MostDepth} deep");
        if (++_schemas > MostSchemas) throw Wrong($"it has more than {MostSchemas} parts");
        if (schema.ValueKind == JsonValueKind.True) return new Rule(JsonGrammar.Value);
        if (schema.ValueKind != JsonValueKind.Object) throw Wrong("a part of it is no object");
        var keywords = new SchemaKeywords(schema, Describing);
        GrammarExpression result = Chosen(keywords, depth);
        return keywords.Unread is { } unread ? throw Wrong($"the keyword {unread} is not supported here") : result;
    }

    private GrammarExpression Chosen(SchemaKeywords keywords, int depth)
    {
        if (keywords.Take("$ref") is { } reference) return Referred(TextOf(reference, "$ref"), depth);
        if (keywords.Take("const") is { } value) return Values([value], keywords);
        if (keywords.Take("enum") is { } values) return Values(Items(values, "enum"), keywords);
        if (keywords.Take("anyOf") is { } any) return new Choice([.. Items(any, "anyOf").Select(one => Of(one, depth + 1))]);
        if (keywords.Take("oneOf") is { } ways)
        {
            _oneOf.Add(Items(ways, "oneOf"));
            return new Choice([.. _oneOf[^1].Select(one => Of(one, depth + 1))]);
        }

        if (keywords.Take("allOf") is { } all)
            return Items(all, "allOf") is [var only] ? Of(only, depth + 1)
                : throw Wrong("allOf with more than one schema is not supported");
        if (keywords.Take("type") is not { } type)
            return keywords.Has("properties") ? Object(keywords, depth)
                : keywords.Has("items") || keywords.Has("prefixItems") ? Array(keywords, depth) : new Rule(JsonGrammar.Value);
        return type.ValueKind == JsonValueKind.Array
            ? new Choice([.. Items(type, "type").Select(one => Typed(TextOf(one, "type"), keywords, depth))])
            : Typed(TextOf(type, "type"), keywords, depth);
    }

    /// <summary>Those of the values that are of the schema's types, where it tells any.</summary>
    private static Choice Values(JsonElement[] values, SchemaKeywords keywords)
    {
        SchemaTypes types = keywords.Take("type") is { } type ? SchemaTypesReading.OfKeyword(type) : SchemaTypes.Any;
        GrammarExpression[] allowed = [.. values.Where(value => (SchemaTypesReading.OfValue(value) & types) != 0).Select(Literally)];
        return allowed.Length > 0 ? new Choice(allowed) : throw Wrong("no value of const or enum is of the type");
    }

    private GrammarExpression Typed(string type, SchemaKeywords keywords, int depth) => type switch
    {
        "object" => Object(keywords, depth),
        "array" => Array(keywords, depth),
        "string" => String(keywords),
        "integer" => Integer(keywords),
        "number" => Number(keywords),
        "boolean" => JsonGrammar.Boolean,
        "null" => Text("null"),
        _ => throw Wrong($"there is no type {type}"),
    };

    private GrammarExpression Object(SchemaKeywords keywords, int depth)
    {
        JsonElement? additional = keywords.Take("additionalProperties");
        JsonElement[] names = keywords.Take("required") is { } list ? Items(list, "required") : [];
        HashSet<string> required = names.Select(name => TextOf(name, "required")).ToHashSet(StringComparer.Ordinal);
        if (keywords.Take("properties") is not { } properties
            || (properties.ValueKind == JsonValueKind.Object && !properties.EnumerateObject().Any()))
        {
            if (required.Count > 0) throw Wrong($"the required property {required.First()} has no schema");
            return additional is { ValueKind: JsonValueKind.False } ? GrammarExpression.Of(Text("{"), JsonGrammar.Blank, Text("}"))
                : JsonGrammar.MapOf(additional is { } each ? Of(each, depth + 1) : new Rule(JsonGrammar.Value));
        }

        if (properties.ValueKind != JsonValueKind.Object) throw Wrong("properties is no object");
        JsonProperty[] all = [.. properties.EnumerateObject()];
        if (required.FirstOrDefault(name => all.All(property => property.Name != name)) is { } missing)
            throw Wrong($"the required property {missing} has no schema");
        return GrammarExpression.Of(Text("{"), JsonGrammar.Blank, Members(all, required, depth), Text("}"));
    }

    /// <summary>
    /// A chain of rules, two for each property: what may follow when nothing stands before it, and when something does, so that commas
    /// stand only between members.
    /// </summary>
    private GrammarExpression Members(JsonProperty[] properties, HashSet<string> required, int depth)
    {
        GrammarExpression first = Nothing, later = Nothing;
        foreach (JsonProperty property in properties.Reverse())
        {
            GrammarExpression member = GrammarExpression.Of(Literally(property.Name), JsonGrammar.Blank, Text(":"), JsonGrammar.Blank,
                Named(Of(property.Value, depth + 1)), JsonGrammar.Blank, Named(later));
            GrammarExpression behindComma = GrammarExpression.Of(Text(","), JsonGrammar.Blank, member);
            bool needed = required.Contains(property.Name);
            (first, later) = (needed ? member : Any(member, Named(first)), needed ? behindComma : Any(behindComma, Named(later)));
        }

        return first;
    }

    private GrammarExpression Array(SchemaKeywords keywords, int depth)
    {
        int least = Count(keywords.Take("minItems"), "minItems", MostItems) ?? 0;
        int? most = Count(keywords.Take("maxItems"), "maxItems", MostItems);
        if (keywords.Take("uniqueItems") is { ValueKind: not JsonValueKind.False }) throw Wrong("uniqueItems is not supported");
        JsonElement[] first = keywords.Take("prefixItems") is { } given ? Items(given, "prefixItems") : [];
        JsonElement? items = keywords.Take("items");
        if (items is { ValueKind: JsonValueKind.False }) most = Math.Min(most ?? first.Length, first.Length);
        if (most < least) throw Wrong("maxItems, or what items leaves, is below minItems");
        GrammarExpression item = items is { ValueKind: not JsonValueKind.False } each ? Of(each, depth + 1) : new Rule(JsonGrammar.Value);
        return first.Length == 0 ? JsonGrammar.ArrayOf(Named(item), least, most)
            : JsonGrammar.TupleOf([.. first.Select(one => Named(Of(one, depth + 1)))], Named(item), least, most, Named);
    }

    private static GrammarExpression String(SchemaKeywords keywords)
    {
        if (keywords.Take("format") is { } format) return JsonFormats.Of(TextOf(format, "format"));
        if (keywords.Take("pattern") is { } pattern) return JsonPattern.Of(TextOf(pattern, "pattern"));
        int least = Count(keywords.Take("minLength"), "minLength", MostCharacters) ?? 0;
        int? most = Count(keywords.Take("maxLength"), "maxLength", MostCharacters);
        if (most < least) throw Wrong("maxLength is below minLength");
        return least == 0 && most is null ? new Rule(JsonGrammar.String) : JsonGrammar.StringOf(least, most);
    }

    private static GrammarExpression Integer(SchemaKeywords keywords)
    {
        (NumberBound? from, NumberBound? to) = Bounds(keywords);
        if (from is null && to is null) return JsonGrammar.Integer;
        decimal least = from is { } low ? decimal.Ceiling(low.Value) : -LargestInteger;
        decimal most = to is { } high ? decimal.Floor(high.Value) : LargestInteger;
        if (from is { IsExclusive: true } above && least == above.Value) least++;
        if (to is { IsExclusive: true } below && most == below.Value) most--;
        return least <= most ? IntegerRange.Of((long)least, (long)most) : throw Wrong("maximum is below minimum");
    }

    private static GrammarExpression Number(SchemaKeywords keywords) =>
        Bounds(keywords) is var (least, most) && (least ?? most) is null ? JsonGrammar.Number : NumberRange.Of(least, most);

    /// <summary>The narrower of the bounds on either side.</summary>
    private static (NumberBound? Least, NumberBound? Most) Bounds(SchemaKeywords keywords)
    {
        NumberBound? from = Bound(keywords, "minimum", false), above = Bound(keywords, "exclusiveMinimum", true),
            to = Bound(keywords, "maximum", false), below = Bound(keywords, "exclusiveMaximum", true);
        return (above?.Value >= from?.Value || from is null ? above : from, below?.Value <= to?.Value || to is null ? below : to);
    }

    /// <summary>A rule for what another part of the schema says; it may be this one.</summary>
    private Rule Referred(string reference, int depth)
    {
        string name = "ref " + reference;
        if (_rules.ContainsKey(name)) return new Rule(name);
        JsonElement target = SchemaReference.Follow(root, reference);
        _rules[name] = Nothing;
        _rules[name] = Of(target, depth + 1);
        return new Rule(name);
    }

    /// <summary>A rule of its own, where an expression stands in several places.</summary>
    private GrammarExpression Named(GrammarExpression expression)
    {
        if (expression is Rule or Literal || ReferenceEquals(expression, Nothing)) return expression;
        string name = $"part {_rules.Count}";
        _rules[name] = expression;
        return new Rule(name);
    }

    private static GrammarExpression Literally(JsonElement value) => Text(JsonSerializer.Serialize(value, Plain));

    private static GrammarExpression Literally(string text) => Text(JsonSerializer.Serialize(text, Plain));

    private static JsonElement[] Items(JsonElement value, string keyword) => value.ValueKind == JsonValueKind.Array
        && value.GetArrayLength() is <= MostItems and var count && (count > 0 || keyword == "required") ? [.. value.EnumerateArray()]
        : throw Wrong($"{keyword} is no list of 1 to {MostItems}");

    private static string TextOf(JsonElement value, string keyword) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong($"{keyword} is no text");

    private static int? Count(JsonElement? value, string keyword, int most) => value is not { } given ? null
        : given.ValueKind == JsonValueKind.Number && given.TryGetInt32(out int count) && count >= 0 && count <= most ? count
        : throw Wrong($"{keyword} is no number from 0 to {most}");

    private static NumberBound? Bound(SchemaKeywords keywords, string keyword, bool isExclusive) =>
        keywords.Take(keyword) is not { } given ? null
        : given.ValueKind == JsonValueKind.Number && given.TryGetDecimal(out decimal value) && IsShort(value)
            && (double)value == given.GetDouble() ? new NumberBound(value, isExclusive)
        : throw Wrong($"{keyword} is no number of at most 15 digits");

    private static bool IsShort(decimal value) => Math.Abs(value) <= LargestInteger && decimal.Round(value, 15) == value
        && value.ToString("0.###############", CultureInfo.InvariantCulture).TrimStart('-', '0').Count(char.IsAsciiDigit) <= 15;

    internal static InvalidInputException Wrong(string what) => new($"JSON schema: {what}");
}
