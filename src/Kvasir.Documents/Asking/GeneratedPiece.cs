using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Documents;

/// <summary>What one generated token adds to an answer.</summary>
/// <param name="Text">Its text; empty where a character is not complete yet.</param>
/// <param name="FinishReason">Null but in the last piece: <c>stop</c> (the model ended its answer) or <c>length</c> (the limit or the end of the context).</param>
public readonly record struct GeneratedPiece(string Text, string? FinishReason = null);

/// <summary>Continues a cache that holds everything before <paramref name="ids"/> and generates an answer, one piece per token, the last with the finish reason.</summary>
/// <param name="model">The model.</param>
/// <param name="cache">The sequence so far.</param>
/// <param name="before">The ids of the tokens in the cache.</param>
/// <param name="ids">The ids to prefill first: the question, or in recomputation the whole prompt.</param>
/// <param name="options">Limits of the answer.</param>
/// <param name="cancellation">Ends generation within one step.</param>
public delegate IEnumerable<GeneratedPiece> AnswerGenerator(Model model, KvCache cache, IReadOnlyList<int> before, ReadOnlyMemory<int> ids, AskOptions options, CancellationToken cancellation);
