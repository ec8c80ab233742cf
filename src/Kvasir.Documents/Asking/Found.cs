namespace Kvasir.Documents.Asking;

/// <summary>What a search found, and how much it searched.</summary>
/// <param name="Passages">The passages, best first.</param>
/// <param name="Documents">Documents searched.</param>
/// <param name="Chunks">Their chunks.</param>
/// <param name="NamesUnknown">Whether the question has a name or number that stands in none of them.</param>
internal sealed record Found(List<Passage> Passages, int Documents, int Chunks, bool NamesUnknown);
