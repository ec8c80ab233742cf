using System.Text.Json;

namespace Kvasir.Generation.Constraints;

/// <summary>Follows a <c>$ref</c> within a schema: <c>#</c>, or <c>#/</c> and names.</summary>
internal static class SchemaReference
{
    /// <exception cref="InvalidInputException">It leads out of the schema, or to nothing.</exception>
    public static JsonElement Follow(JsonElement root, string reference)
    {
        if (reference == "#") return root;
        if (!reference.StartsWith("#/", StringComparison.Ordinal))
            throw JsonSchemaGrammar.Wrong($"$ref {reference}: only references within the schema are followed");
        JsonElement target = root;
        foreach (string step in reference[2..].Split('/').Select(Unescaped))
            if (target.ValueKind != JsonValueKind.Object || !target.TryGetProperty(step, out target))
                throw JsonSchemaGrammar.Wrong($"$ref {reference}: there is nothing");
        return target;
    }

    private static string Unescaped(string step) =>
        step.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
}
