namespace Kvasir.Documents.Asking;

/// <summary>
/// Whether what was found has to do with a question at all, by cosines of all-MiniLM-L6-v2. A chunk on one subject is judged by its own
/// embedding; of one on several subjects a sentence comes nearer than the whole. How near one comes by chance grows with the number of
/// documents and chunks. Measured: docs/document-store.md.
/// </summary>
internal static class Relevance
{
    /// <summary>
    /// The part of the encoder's least cosine that a sentence needs in one chunk, and more for each e-fold of documents and of chunks.
    /// </summary>
    private const float LooseShare = 0.55f, ShareOfDocuments = 0.11f, ShareOfChunks = 0.04f;

    /// <summary>
    /// What a name or number of the question that stands in no document takes from its cosines: what it asks about is something else.
    /// </summary>
    private const float UnknownName = 0.10f;

    /// <summary>
    /// The share of the question's words that makes up for half of the cosine: embeddings know little of part numbers and rare names.
    /// </summary>
    private const float ManyWords = 0.8f;

    /// <summary>The share that is asked of a passage without embedding.</summary>
    private const float WordsAlone = 0.35f;

    /// <summary>
    /// How well the passages fit by an encoder whose cosines say from <paramref name="least"/> on that a text answers a question.
    /// </summary>
    public static Fit Of(Found found, float least)
    {
        if (least > 1)
            return Comes(found, least, least) ? Fit.Firm : found.Passages.Any(passage => passage.Words > 0) ? Fit.Loose : Fit.None;
        float loose = least * (LooseShare + ShareOfDocuments * Log(found.Documents) + ShareOfChunks * Log(found.Chunks));
        float less = found.NamesUnknown ? UnknownName : 0;
        return Comes(found, least + less, Math.Max(loose, least) + less)
            ? Fit.Firm : Comes(found, least + less, loose + less) ? Fit.Loose : Fit.None;
    }

    /// <summary>Whether a passage comes as near by itself, or by a sentence of it, as is asked for, or has the question's words.</summary>
    public static bool Comes(Found found, float cosine, float sentence) => found.Passages.Any(passage =>
        passage.Cosine >= cosine
        || passage.SentenceCosine >= sentence
        || (passage.Cosine >= cosine / 2 && passage.Words >= ManyWords)
        || (passage.Cosine == 0 && passage.Words >= WordsAlone));

    private static float Log(int count) => MathF.Log(Math.Max(1, count));
}
