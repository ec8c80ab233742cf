using Kvasir.Models;
using Kvasir.Server.Engine;
using Kvasir.Server.Requests;

namespace Kvasir.Server.OpenAI;

/// <summary><c>/v1/embeddings</c>.</summary>
internal sealed class Embeddings(ServedModels models)
{
    /// <summary>Also of Ollama's endpoint: texts, and characters of each.</summary>
    public const int MostTexts = 256, MostCharacters = 1 << 18;

    public static IReadOnlyList<Field> Fields { get; } =
    [
        new("model", "string", "The encoder's name, or kvasir", Required: true),
        new("input", "string|array", "A text, or up to 256 texts", Required: true),
        new("encoding_format", "string", "float (default) or base64"),
        new("dimensions", "integer", "Only as many as the encoder has"),
        new("user", "string", "Not read"),
    ];

    public async Task HandleAsync(HttpContext context)
    {
        var fields = new RequestReader(await RequestBody.ReadAsync(context).ConfigureAwait(false), Fields);
        Model encoder = models.RequireEncoder(fields.Text("model")!);
        IReadOnlyList<string> texts = fields.Texts("input", MostTexts, MostCharacters)!;
        if (texts.Count == 0 || texts.Any(text => text.Length == 0)) throw fields.Wrong("input", "give texts of at least one character");
        CheckDimensions(fields, encoder);
        bool base64 = fields.Word("encoding_format", "float", "base64") == "base64";
        (float[][] vectors, long tokens) = await models.EmbedAsync(texts, context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(context, new
        {
            Object = "list",
            Model = models.EncoderName,
            Data = vectors.Select((vector, i) => new
            {
                Object = "embedding",
                Index = i,
                Embedding = base64 ? (object)Convert.ToBase64String(MemoryMarshal.AsBytes(vector.AsSpan())) : vector,
            }),
            Usage = new { PromptTokens = tokens, TotalTokens = tokens },
        }).ConfigureAwait(false);
    }

    public static void CheckDimensions(RequestReader fields, Model encoder)
    {
        if (fields.Whole("dimensions", 1, int.MaxValue) is { } dimensions && dimensions != encoder.Config.Width)
            throw fields.Wrong("dimensions", $"this encoder has {encoder.Config.Width}");
    }
}
