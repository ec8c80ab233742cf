using Kvasir.Cache;
using Kvasir.Documents.Answering;
using Kvasir.Models;

namespace Kvasir.Documents.Asking;

/// <summary>
/// How the KV of a chunk is made: behind the shared prefix (MatKV, variant M2) or alone, all of it or with its least needed tokens left
/// out.
/// </summary>
internal sealed class ChunkComputation(IAnswerModel model, SharedPrefix prefix, ChunkPlacement placement, double share = 1)
{
    /// <summary>The first token of what is saved of a computed chunk: its KV alone, without the prefix's.</summary>
    public int FirstToken => placement == ChunkPlacement.BehindPrefix ? prefix.Ids.Length : 0;

    /// <summary>Whether tokens are left out.</summary>
    public bool IsThinning => share < 1;

    /// <summary>Bytes that the KV of a chunk of so many tokens will take in a file, but for the header.</summary>
    public long SavedBytes(int tokens) => model.SavedBytes(FirstToken, (int)Math.Ceiling(tokens * share));

    /// <summary>The chunk, sealed.</summary>
    public KvCache Compute(int[] ids, CancellationToken cancellation)
    {
        KvCache cache = IsThinning ? model.NewExactCache() : FirstToken > 0 ? prefix.Fork() : model.NewCache();
        try
        {
            if (IsThinning && FirstToken > 0)
            {
                model.Prefill(cache, prefix.Ids, cancellation);
                cache.Seal();
            }

            model.Prefill(cache, ids, cancellation);
            cache.Seal();
            if (!IsThinning) return cache;
            using (cache)
            {
                return model.Prune(cache, FirstToken, [.. model.Encode(Model.RepeatRequest, parseSpecial: false), .. ids], share,
                    cancellation);
            }
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }
}
