using Kvasir.Server.Collections;
using Kvasir.Server.Engine;
using Kvasir.Server.Requests;

namespace Kvasir.Server.OpenAI;

/// <summary><c>/v1/models</c>: the language model, the encoder, and a model for each collection of documents.</summary>
internal sealed class ModelList(ServedModels models, DocumentCollections collections)
{
    private IEnumerable<string> Names => new[] { models.Name, models.EncoderName }.OfType<string>()
        .Concat(collections.Names().Select(name => DocumentAnswers.Prefix + name));

    public Task ListAsync(HttpContext context) => Answers.WriteAsync(context, new { Object = "list", Data = Names.Select(Describe) });

    public Task ShowAsync(HttpContext context)
    {
        // The name of a collection's model has a slash, which some clients send as it is and others encoded.
        string name = ((string)context.Request.RouteValues["name"]!).Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        string? found = models.IsLanguageModel(name) ? models.Name
            : Names.FirstOrDefault(one => string.Equals(one, name, StringComparison.OrdinalIgnoreCase));
        return found is not null ? Answers.WriteAsync(context, Describe(found))
            : throw RequestException.NotFound("there is no such model", "model_not_found");
    }

    private object Describe(string name) => new
    {
        Id = name,
        Object = "model",
        Created = models.Started.ToUnixTimeSeconds(),
        OwnedBy = "kvasir"
    };
}
