namespace Kvasir.Documents.Answering;

/// <summary>A piece of an answer as it is generated.</summary>
/// <param name="Text">Its text.</param>
/// <param name="FinishReason">Null but in the last piece.</param>
/// <param name="Tokens">In the last piece: tokens of the answer.</param>
/// <param name="Failure">In place of a last piece: why there is no answer.</param>
internal readonly record struct GeneratedPiece(string Text, string? FinishReason = null, int Tokens = 0, Exception? Failure = null);
