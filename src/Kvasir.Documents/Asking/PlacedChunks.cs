using Kvasir.Cache;
using Kvasir.Documents.Answering;

namespace Kvasir.Documents.Asking;

/// <summary>Chunks as they stand one behind the other in a cache, and the repair of their borders.</summary>
internal sealed class PlacedChunks(IAnswerModel model, KvCache cache, ChunkPlacement placement)
{
    private readonly List<(int Start, int[] Ids, bool IsExact)> _chunks = [];
    private readonly int _first = cache.Length;

    /// <summary>Notes the chunk that now ends the cache. What was computed in place is exact and needs no repair.</summary>
    public void Add(int[] ids, bool computedInPlace) =>
        _chunks.Add(
            (cache.Length - ids.Length, ids, computedInPlace
            || (placement == ChunkPlacement.BehindPrefix && cache.Length - ids.Length == _first)));

    /// <summary>Computes tokens anew where they stand; returns how many.</summary>
    /// <param name="repair">Which ones.</param>
    /// <param name="prefix">The ids before the first chunk.</param>
    /// <param name="cancellation">Stops between passes.</param>
    public int Repair(ChunkRepair repair, int[] prefix, CancellationToken cancellation)
    {
        // Stacked chunks stand nowhere: there is no place to compute them in. Exact ones leave nothing to do.
        if (placement == ChunkPlacement.Stacked || _chunks.TrueForAll(chunk => chunk.IsExact)) return 0;
        if (repair.Share > 0)
        {
            int[] ids = [.. prefix, .. _chunks.SelectMany(chunk => chunk.Ids)];
            return model.RepairMostDeviating(
                cache, ids, _first, (int)Math.Round((ids.Length - _first) * repair.Share, MidpointRounding.ToEven), cancellation);
        }

        (int Position, int Id)[] tokens =
            [.. _chunks.Where(chunk => !chunk.IsExact)
                .SelectMany(chunk => chunk.Ids.Take(repair.Tokens).Select((id, i) => (chunk.Start + i, id)))
                .Where(token => token.Item2 >= 0)]; // a picture's rows stay as they are: nothing of it is computed again
        if (tokens.Length == 0) return 0;
        model.Repair(cache, [.. tokens.Select(token => token.Position)], [.. tokens.Select(token => token.Id)], cancellation);
        return tokens.Length;
    }
}
