namespace Kvasir.Training.Demonstration;

/// <summary>A part of a prompt that is tokenised by itself.</summary>
/// <param name="Text">Its text.</param>
/// <param name="HasSpecial">Whether special tokens in it are read as such.</param>
/// <param name="IsAnswer">Whether it is to be learned.</param>
internal sealed record PromptSegment(string Text, bool HasSpecial, bool IsAnswer = false);
