using System.Numerics.Tensors;
using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Documents.Asking;

/// <summary>The generator where none is given: always the most likely token, until the model ends or a limit is reached.</summary>
internal static class GreedyAnswer
{
    public static IEnumerable<GeneratedPiece> Generate(Model model, KvCache cache, IReadOnlyList<int> before, ReadOnlyMemory<int> ids, AskOptions options, CancellationToken cancellation)
    {
        using var batch = new Batch();
        var text = new TextStream(model.Tokenizer);
        int id = Next(model, batch, cache, ids.Span, cancellation);
        for (int generated = 1; ; generated++)
        {
            if (model.Tokenizer.IsEndOfGeneration(id))
            {
                yield return new GeneratedPiece(text.Finish(), "stop");
                yield break;
            }

            string piece = text.Add(id);
            if (generated >= options.MaxTokens || cache.Length >= model.Config.ContextLength)
            {
                yield return new GeneratedPiece(piece + text.Finish(), "length");
                yield break;
            }

            yield return new GeneratedPiece(piece);
            id = Next(model, batch, cache, [id], cancellation);
        }
    }

    private static int Next(Model model, Batch batch, KvCache cache, ReadOnlySpan<int> ids, CancellationToken cancellation)
    {
        Prompt.Prefill(model, batch, cache, ids, LogitRows.Last, cancellation);
        return TensorPrimitives.IndexOfMax<float>(batch.Logits(batch.LogitRowCount - 1));
    }
}
