namespace Kvasir.Cache;

/// <summary>The caches of one layer's kv heads.</summary>
internal sealed class LayerCache(LayerLayout layout, HeadCache[] heads)
{
    public LayerLayout Layout { get; } = layout;

    public HeadCache[] Heads { get; } = heads;
}
