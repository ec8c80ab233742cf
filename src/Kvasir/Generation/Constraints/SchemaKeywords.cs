using System.Text.Json;

namespace Kvasir.Generation.Constraints;

/// <summary>The keywords of one schema, and which of them nobody has read: those would not be kept.</summary>
internal sealed class SchemaKeywords
{
    private readonly Dictionary<string, JsonElement> _values;
    private readonly HashSet<string> _unread;

    public SchemaKeywords(JsonElement schema, IReadOnlySet<string> describing)
    {
        _values = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (JsonProperty keyword in schema.EnumerateObject()) _values[keyword.Name] = keyword.Value;
        _unread = [.. _values.Keys.Where(name => !describing.Contains(name))];
    }

    /// <summary>One that was not read, or null.</summary>
    public string? Unread => _unread.FirstOrDefault();

    public bool Has(string keyword) => _values.ContainsKey(keyword);

    /// <summary>The value of a keyword, which then counts as read; null where it is not there.</summary>
    public JsonElement? Take(string keyword)
    {
        _unread.Remove(keyword);
        return _values.TryGetValue(keyword, out JsonElement value) ? value : null;
    }
}
