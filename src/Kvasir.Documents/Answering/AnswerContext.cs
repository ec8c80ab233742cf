using Kvasir.Cache;
using Kvasir.Generation;

namespace Kvasir.Documents.Answering;

/// <summary>A prompt whose beginning, all but the question, is placed and not computed.</summary>
/// <param name="Prompt">All ids.</param>
/// <param name="Parts">Parts that the beginning is put together from.</param>
/// <param name="RepairedTokens">The most of its tokens that are computed anew where they stand.</param>
/// <param name="Emphasis">What of the prompt is emphasised, or null.</param>
/// <param name="Fill">Makes the beginning in a pool's memory.</param>
internal sealed record AnswerContext(int[] Prompt, int Parts, int RepairedTokens, Emphasis? Emphasis, Func<BlockPool, KvCache> Fill);
