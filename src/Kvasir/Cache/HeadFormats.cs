namespace Kvasir.Cache;

/// <summary>
/// Codecs of keys and values, chosen for every layer and kv head: names as files carry them (<c>kivi2/16/8</c>, <c>f16</c>).
/// </summary>
internal sealed class HeadFormats(IReadOnlyList<IReadOnlyList<(string Keys, string Values)>> layers)
{
    public IReadOnlyList<IReadOnlyList<(string Keys, string Values)>> Layers => layers;

    /// <exception cref="InvalidInputException">They were chosen for a model of another shape.</exception>
    public (string Keys, string Values) this[int layer, int head] => layer < layers.Count && head < layers[layer].Count
        ? layers[layer][head]
        : throw new InvalidInputException(
            $"KV policy: the bits were chosen for another model, which has no layer {layer} with head {head}");
}
