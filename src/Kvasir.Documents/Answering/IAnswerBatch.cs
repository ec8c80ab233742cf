using Kvasir.Cache;
using Kvasir.Generation;

namespace Kvasir.Documents.Answering;

/// <summary>Answers that are generated together: one forward pass, which reads the weights once, is a step of each of them.</summary>
internal interface IAnswerBatch : IDisposable
{
    /// <summary>Adds an answer.</summary>
    /// <param name="cache">What is computed and placed so far; the batch's from now on.</param>
    /// <param name="ids">The ids of all tokens in the cache, and behind them those still to be computed.</param>
    /// <param name="emphasis">What of the prompt is emphasised, or null.</param>
    /// <param name="onPiece">Called within <see cref="Prefill"/> and <see cref="Step"/>.</param>
    /// <exception cref="InvalidInputException">It does not fit the model's context, or has not what is to be emphasised; the cache is still
    /// the caller's.</exception>
    void Add(KvCache cache, IReadOnlyList<int> ids, Emphasis? emphasis, Action<GeneratedPiece> onPiece);

    /// <summary>
    /// A forward pass over what is still to be computed of the answers that came last; the first token of an answer ends it. False where
    /// there is nothing to do.
    /// </summary>
    bool Prefill();

    /// <summary>One more token of every answer; false where there is none left.</summary>
    bool Step();
}
