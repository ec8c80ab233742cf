namespace Kvasir.Cache;

/// <summary>The keys and values of an attention layer: a cache for each of its kv heads.</summary>
internal sealed class LayerCache(LayerLayout layout, HeadCache[] heads) : LayerState
{
    public LayerLayout Layout { get; } = layout;

    public HeadCache[] Heads { get; } = heads;

    public override long Bytes => Heads.Sum(head => head.Bytes);

    /// <summary>The same layer of other heads, each made of one of these.</summary>
    public LayerCache With(Func<HeadCache, int, HeadCache> made) => new(Layout, [.. Heads.Select(made)]);

    public override long MostGrowthBytes(int tokens)
    {
        long bytes = 0;
        foreach (HeadCache head in Heads) bytes += head.MostGrowthBytes(tokens);
        return bytes;
    }

    public override void Reserve(int tokens)
    {
        foreach (HeadCache head in Heads) head.Reserve(tokens);
    }

    public override void Open(int rows)
    {
        foreach (HeadCache head in Heads) head.Tail.Grow(rows);
    }

    public override void Seal()
    {
        foreach (HeadCache head in Heads) head.SealAll();
    }

    public override void Truncate(int length)
    {
        foreach (HeadCache head in Heads) head.Truncate(length);
    }

    public override void Dispose()
    {
        foreach (HeadCache head in Heads) head.Dispose();
    }
}
