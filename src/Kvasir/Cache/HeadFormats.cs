namespace Kvasir.Cache;

/// <summary>Codecs of keys and values, chosen for every layer and kv head: names of the grammar.</summary>
internal sealed class HeadFormats(IReadOnlyList<IReadOnlyList<(string Keys, string Values)>> layers)
{
    public (string Keys, string Values) this[int layer, int head] => layers[layer][head];
}
