using Kvasir.Models;

namespace Kvasir.Documents.Answering;

/// <summary>A sentence encoder as the encoder of chunks and questions.</summary>
internal sealed class ModelEncoder(Model model) : ITextEncoder
{
    public string Identity => model.Identity;

    /// <summary>Of all-MiniLM-L6-v2, from which a passage, or a sentence of it, is about what the question is about.</summary>
    public const float LeastCosine = 0.40f;

    public float LeastRelevant => LeastCosine;

    public float[] Embed(string text) => model.Embed(text);

    public float[][] Embed(IReadOnlyList<string> texts) => model.Embed(texts);
}
