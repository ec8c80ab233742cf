namespace Kvasir.Documents.Asking;

/// <summary>How well what was found fits a question: not at all, well enough for an answer with a word of doubt, or well.</summary>
internal enum Fit { None, Loose, Firm }

/// <summary>What a search found: passages, best first, in how many documents and chunks, and whether the question has a name or number that none of them has.</summary>
internal sealed record Found(List<Passage> Passages, int Documents, int Chunks, bool NamesUnknown);
