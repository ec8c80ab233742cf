namespace Kvasir.Documents.Asking;

/// <summary>How well what was found fits a question: not at all, well enough for an answer with a word of doubt, or well.</summary>
internal enum Fit { None, Loose, Firm }

/// <summary>What a search found.</summary>
/// <param name="Passages">Best first.</param>
/// <param name="Documents">Documents searched.</param>
/// <param name="Chunks">Different chunks in them.</param>
/// <param name="NamesUnknown">Whether the question has a name or number that none of them has.</param>
/// <param name="WordsAlone">Files that only their words find, because they have no sound embeddings.</param>
internal sealed record Found(List<Passage> Passages, int Documents, int Chunks, bool NamesUnknown, IReadOnlyList<string> WordsAlone);
