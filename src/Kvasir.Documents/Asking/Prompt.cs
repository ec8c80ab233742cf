using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Documents.Asking;

/// <summary>Computes prompts of any length.</summary>
internal static class Prompt
{
    /// <summary>Tokens of one forward pass: enough to keep the matrix products busy, few enough that its activations stay small.</summary>
    private const int Slice = 512;

    /// <summary>Appends <paramref name="ids"/> to the cache; the wanted logits are of the last slice.</summary>
    public static void Prefill(Model model, Batch batch, KvCache cache, ReadOnlySpan<int> ids, LogitRows rows, CancellationToken cancellation)
    {
        for (int done = 0; done < ids.Length; done += Slice)
        {
            int end = Math.Min(done + Slice, ids.Length);
            batch.Clear();
            batch.Add(cache, ids[done..end], end == ids.Length ? rows : LogitRows.None);
            model.Forward(batch, cancellation);
        }
    }
}
