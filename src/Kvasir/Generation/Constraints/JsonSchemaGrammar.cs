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
            "writeOnly", "strict", "$anchor"], StringComparer.Ordinal);

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Dictionary<string, GrammarExpression> _rules = JsonGrammar.Rules();
    private int _schemas;

    /// <exception cref="InvalidInputException">No schema, or one that cannot be kept.</exception>
    public IReadOnlyDictionary<string, GrammarExpression> Rules()
    {
        if (root.ValueKind is not (JsonValueKind.Object or JsonValueKind.True)) throw Wrong("it is no object");
        if (root.GetRawText().Length > MostLength) throw Wrong($"it has more than {MostLength} characters");
        _rules[Root] = Nothing;
        _rules[Root] = Of(root, 0);
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
        if (keywords.Take("const") is { } value) return Literally(value);
        if (keywords.Take("enum") is { } values)
        {
            keywords.Take("type");
            return new Choice([.. Items(values, "enum").Select(Literally)]);
        }

        if (keywords.Take("anyOf") is { } any) return new Choice([.. Items(any, "anyOf").Select(one => Of(one, depth + 1))]);
        if (keywords.Take("allOf") is { } all)
            return Items(all, "allOf") is [var only] ? Of(only, depth + 1)
                : throw Wrong("allOf with more than one schema is not supported");
        if (keywords.Take("type") is not { } type)
            return keywords.Has("properties") ? Object(keywords, depth) : keywords.Has("items") ? Array(keywords, depth)
                : new Rule(JsonGrammar.Value);
        return type.ValueKind == JsonValueKind.Array
            ? new Choice([.. Items(type, "type").Select(one => Typed(TextOf(one, "type"), keywords, depth))])
            : Typed(TextOf(type, "type"), keywords, depth);
    }

    private GrammarExpression Typed(string type, SchemaKeywords keywords, int depth) => type switch
    {
        "object" => Object(keywords, depth),
        "array" => Array(keywords, depth),
        "string" => String(keywords),
        "integer" => Integer(keywords),
        "number" => JsonGrammar.Number,
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
        if (most < least) throw Wrong("maxItems is below minItems");
        GrammarExpression item = keywords.Take("items") is { } items ? Of(items, depth + 1) : new Rule(JsonGrammar.Value);
        return JsonGrammar.ArrayOf(Named(item), least, most);
    }

    private static GrammarExpression String(SchemaKeywords keywords)
    {
        if (keywords.Take("format") is { } format) return JsonFormats.Of(TextOf(format, "format"));
        int least = Count(keywords.Take("minLength"), "minLength", MostCharacters) ?? 0;
        int? most = Count(keywords.Take("maxLength"), "maxLength", MostCharacters);
        if (most < least) throw Wrong("maxLength is below minLength");
        return least == 0 && most is null ? new Rule(JsonGrammar.String) : JsonGrammar.StringOf(least, most);
    }

    private static GrammarExpression Integer(SchemaKeywords keywords)
    {
        long? least = Whole(keywords.Take("minimum"), "minimum") ?? Whole(keywords.Take("exclusiveMinimum"), "exclusiveMinimum") + 1;
        long? most = Whole(keywords.Take("maximum"), "maximum") ?? Whole(keywords.Take("exclusiveMaximum"), "exclusiveMaximum") - 1;
        if (least is null && most is null) return JsonGrammar.Integer;
        return (least ?? -LargestInteger) <= (most ?? LargestInteger) ? IntegerRange.Of(least ?? -LargestInteger, most ?? LargestInteger)
            : throw Wrong("maximum is below minimum");
    }

    /// <summary>A rule for what another part of the schema says; it may be this one.</summary>
    private Rule Referred(string reference, int depth)
    {
        string name = "ref " + reference;
        if (_rules.ContainsKey(name)) return new Rule(name);
        JsonElement target = root;
        if (reference != "#")
        {
            if (!reference.StartsWith("#/", StringComparison.Ordinal))
                throw Wrong($"$ref {reference}: only references within the schema are followed");
            foreach (string step in reference[2..].Split('/').Select(Unescaped))
                if (target.ValueKind != JsonValueKind.Object || !target.TryGetProperty(step, out target))
                    throw Wrong($"$ref {reference}: there is nothing");
        }

        _rules[name] = Nothing;
        _rules[name] = Of(target, depth + 1);
        return new Rule(name);
    }

    private static string Unescaped(string step) =>
        step.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);

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

    private static long? Whole(JsonElement? value, string keyword) => value is not { } given ? null
        : given.ValueKind == JsonValueKind.Number && given.TryGetInt64(out long whole) && Math.Abs(whole) <= LargestInteger ? whole
        : throw Wrong($"{keyword} is no whole number of at most 15 digits");

    internal static InvalidInputException Wrong(string what) => new($"JSON schema: {what}");
}
