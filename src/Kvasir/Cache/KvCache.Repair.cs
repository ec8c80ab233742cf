namespace Kvasir.Cache;

/// <content>Tokens that were computed anew in place of sealed ones, or left out.</content>
public sealed partial class KvCache
{
    /// <summary>The positions that were computed anew in place of sealed ones, or null.</summary>
    internal RepairedPositions? Repaired { get; private set; }

    /// <summary>Makes room in all heads for rows in place of sealed tokens, all zero until a forward pass fills them.</summary>
    /// <param name="positions">Which tokens.</param>
    /// <param name="known">A cache in float32 of the same tokens whose layer <paramref name="knownLayer"/> takes the place of all tokens'
    /// there; null where there is none.</param>
    /// <param name="knownLayer">The layer.</param>
    /// <exception cref="KvBudgetExceededException">The pool's budget does not hold them.</exception>
    internal void Repair(RepairedPositions positions, KvCache? known = null, int knownLayer = 0)
    {
        RepairedPositions? all = known is null ? null : RepairedPositions.All(Length);
        long bytes = _layers.Select((layer, l) =>
            (long)layer.Heads.Length * KvBlock.CountFor(IsKnown(l) ? Length : positions.Count) * KvTail.BlockBytes(layer.Layout)).Sum();
        Pool.Reserve(bytes);
        try
        {
            for (int l = 0; l < _layers.Length; l++)
                foreach ((int h, HeadCache head) in _layers[l].Heads.Index())
                    head.Repair(IsKnown(l) ? all! : positions, IsKnown(l) ? known!._layers[l].Heads[h].Tail : null);
            Repaired = positions;
        }
        finally
        {
            Pool.Release(bytes);
        }

        bool IsKnown(int layer) => known is not null && layer == knownLayer;
    }

    /// <summary>Gives up all repaired rows.</summary>
    internal void Unrepair()
    {
        foreach (HeadCache head in Heads()) head.Unrepair();
        Repaired = null;
    }

    /// <summary>
    /// Makes the empty cache hold some of another's tokens from <paramref name="first"/> on, at their positions: those that
    /// <paramref name="kept"/> tells for a layer and head, counted from there.
    /// </summary>
    internal void PlacePruned(KvCache source, int first, Func<int, int, ushort[]> kept)
    {
        for (int l = 0; l < _layers.Length; l++)
            foreach ((int h, HeadCache head) in _layers[l].Heads.Index())
                head.PlacePruned(source._layers[l].Heads[h], first, new KeptTokens(kept(l, h), source.Length - first));
        Length = source.Length;
    }
}
