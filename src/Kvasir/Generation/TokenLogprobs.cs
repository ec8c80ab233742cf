namespace Kvasir.Generation;

/// <summary>How probable a generated token was, and which ones were most probable in its place.</summary>
/// <param name="Id">The token that was chosen.</param>
/// <param name="Logprob">The natural logarithm of its probability by the model alone: before penalties, temperature and
/// constraints.</param>
/// <param name="Top">The most probable tokens, most probable first.</param>
public sealed record TokenLogprobs(int Id, double Logprob, IReadOnlyList<(int Id, double Logprob)> Top);
