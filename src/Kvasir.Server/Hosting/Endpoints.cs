using Kvasir.Server.Collections;
using Kvasir.Server.Engine;
using Kvasir.Server.Ollama;
using Kvasir.Server.OpenAI;
using Kvasir.Server.Requests;

namespace Kvasir.Server.Hosting;

/// <summary>All that the server answers, in one list: routes and the OpenAPI document are made from it.</summary>
internal sealed class Endpoints(ServedModels models, DocumentCollections collections, ServerOptions options)
{
    private readonly ChatCompletions _chat = new(models, new DocumentAnswers(collections, models.Engine), options);
    private readonly Completions _completions = new(models, options);
    private readonly Embeddings _embeddings = new(models);
    private readonly ModelList _models = new(models, collections);
    private readonly Responses _responses = new(models);
    private readonly OllamaChat _ollama = new(models);
    private readonly OllamaModels _ollamaModels = new(models);
    private readonly DocumentEndpoints _documents = new(collections, options);

    public IReadOnlyList<Endpoint> All() =>
    [
        Post("/v1/chat/completions", "OpenAI: a reply to a conversation", ChatCompletions.Fields, _chat.HandleAsync),
        Post("/v1/completions", "OpenAI: a text continued", Completions.Fields, _completions.HandleAsync),
        Post("/v1/responses", "OpenAI: a response, stateless", Responses.Fields, _responses.HandleAsync),
        Post("/v1/embeddings", "OpenAI: embeddings of texts", Embeddings.Fields, _embeddings.HandleAsync),
        Get("/v1/models", "OpenAI: the models", _models.ListAsync),
        Get("/v1/models/{**name}", "OpenAI: a model", _models.ShowAsync),
        Post("/api/chat", "Ollama: a reply to a conversation", OllamaChat.ChatFields, _ollama.ChatAsync),
        Post("/api/generate", "Ollama: a reply to a prompt", OllamaChat.GenerateFields, _ollama.GenerateAsync),
        Post("/api/embed", "Ollama: embeddings of texts", OllamaModels.EmbedFields, _ollamaModels.EmbedAsync),
        Post("/api/show", "Ollama: a model's sizes and template", OllamaModels.ShowFields, _ollamaModels.ShowAsync),
        Get("/api/tags", "Ollama: the models", _ollamaModels.TagsAsync),
        Get("/api/ps", "Ollama: the loaded models", _ollamaModels.RunningAsync),
        Get("/api/version", "Ollama: the version", OllamaModels.VersionAsync),
        Post("/api/pull", "Ollama: refused", [], OllamaModels.PullAsync),
        Get("/documents", "The collections of documents", _documents.CollectionsAsync),
        Get("/documents/{name}", "The files of a collection", _documents.ListAsync),
        new("PUT", "/documents/{name}/files/{file}", "Takes a file in; the body is the file", [], _documents.UploadAsync),
        Get("/documents/{name}/files/{file}", "The chunks of a file", _documents.ShowAsync),
        new("DELETE", "/documents/{name}/files/{file}", "Removes a file", [], _documents.RemoveAsync),
        Post("/documents/{name}/search", "The passages that fit a query best", DocumentEndpoints.SearchFields, _documents.SearchAsync),
        Get("/status", "What the engine does and holds, for the page", StatusAsync),
        Get("/health", "Whether the server serves", HealthAsync),
        Get("/openapi.json", "This document", context => Answers.WriteAsync(context, OpenApi.Document(All()))),
        Get("/", "The page", Page.SendAsync),
    ];

    private async Task StatusAsync(HttpContext context) => await Answers.WriteAsync(context, new
    {
        Model = models.Name,
        Encoder = models.EncoderName,
        Policy = options.Engine.Policy.ToString(),
        KvBudget = options.Engine.KvBudget == long.MaxValue ? (long?)null : options.Engine.KvBudget,
        options.Engine.Parallel,
        models.Model.WeightBytes,
        ContextLength = models.Engine.ContextLength,
        Documents = collections.Folder is not null,
        Engine = await models.Engine.GetStatusAsync().ConfigureAwait(false),
    }).ConfigureAwait(false);

    private Task HealthAsync(HttpContext context) => Answers
        .WriteAsync(context, new { Status = "ok", Model = models.Name, models.Engine.InFlight });

    private static Endpoint Get(string path, string summary, RequestDelegate handle) => new("GET", path, summary, [], handle);

    private static Endpoint Post(string path, string summary, IReadOnlyList<Field> fields, RequestDelegate handle) =>
        new("POST", path, summary, fields, handle);
}
