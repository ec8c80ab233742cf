namespace Kvasir.Cache;

/// <summary>
/// What one layer remembers of a sequence. Attention's is a <see cref="LayerCache"/>; a recurrent layer's would be its state, with
/// snapshots of the positions that it can go back to.
/// </summary>
internal abstract class LayerState : IDisposable
{
    /// <summary>Bytes really held.</summary>
    public abstract long Bytes { get; }

    /// <summary>The most bytes that <paramref name="tokens"/> more add at any moment between steps.</summary>
    public abstract long MostGrowthBytes(int tokens);

    /// <summary>Room for <paramref name="tokens"/> more, so that lists need not grow while decoding.</summary>
    public abstract void Reserve(int tokens);

    /// <summary>Makes room for the rows of a step's run. By one thread.</summary>
    public abstract void Open(int rows);

    /// <summary>Encodes everything, so that the next token starts a part of its own.</summary>
    public abstract void Seal();

    /// <summary>Forgets all tokens from <paramref name="length"/> on.</summary>
    public abstract void Truncate(int length);

    public abstract void Dispose();
}
