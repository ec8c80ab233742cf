namespace Kvasir.Cache;

/// <summary>Where the blocks of caches come from and return to, with a budget in bytes.</summary>
public sealed class BlockPool : IDisposable
{
    /// <summary>A pool that holds at most <paramref name="budget"/> bytes of blocks.</summary>
    public BlockPool(long budget = long.MaxValue) => Budget = budget;

    /// <summary>The most bytes that may be held at once.</summary>
    public long Budget { get; }

    /// <summary>Bytes held now.</summary>
    public long Bytes => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
