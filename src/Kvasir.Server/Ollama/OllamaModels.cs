using Kvasir.Models;
using Kvasir.Server.Engine;
using Kvasir.Server.OpenAI;
using Kvasir.Server.Requests;

namespace Kvasir.Server.Ollama;

/// <summary><c>/api/embed</c>, <c>tags</c>, <c>show</c>, <c>ps</c>, <c>version</c>, and <c>pull</c>, which is refused.</summary>
internal sealed class OllamaModels(ServedModels models)
{
    public static IReadOnlyList<Field> EmbedFields { get; } =
    [
        new("model", "string", "The encoder's name, or kvasir", Required: true),
        new("input", "string|array", "A text, or up to 256 texts", Required: true),
        new("truncate", "boolean", "Not read: long texts are cut into windows"),
        new("dimensions", "integer", "Only as many as the encoder has"),
        new("keep_alive", "string|number", "Not read"),
        OllamaChat.ClientsOwn,
    ];

    public static IReadOnlyList<Field> ShowFields { get; } =
    [
        new("model", "string", "The model's name"),
        new("name", "string", "The same, by its old name"),
        new("verbose", "boolean", "Not read"),
        OllamaChat.ClientsOwn,
    ];

    public async Task EmbedAsync(HttpContext context)
    {
        var fields = new RequestReader(await RequestBody.ReadAsync(context).ConfigureAwait(false), EmbedFields);
        Model encoder = models.RequireEncoder(fields.Text("model")!);
        IReadOnlyList<string> texts = fields.Texts("input", Embeddings.MostTexts, Embeddings.MostCharacters)!;
        Embeddings.CheckDimensions(fields, encoder);
        var clock = Stopwatch.StartNew();
        (float[][] vectors, long tokens) = texts.Count == 0 ? ([], 0L)
            : await models.EmbedAsync(texts, context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(context, new
        {
            Model = models.EncoderName,
            Embeddings = vectors,
            TotalDuration = OllamaChat.Nanoseconds(clock.Elapsed),
            LoadDuration = 0,
            PromptEvalCount = tokens,
        }).ConfigureAwait(false);
    }

    public Task TagsAsync(HttpContext context) => Answers.WriteAsync(
        context, new { Models = All().Select(one => Describe(one.Name, one.Model)) });

    public Task RunningAsync(HttpContext context) => Answers
        .WriteAsync(context, new { Models = All().Select(one => Describe(one.Name, one.Model)) });

    public static Task VersionAsync(HttpContext context) =>
        Answers.WriteAsync(context, new { Version = typeof(OllamaModels).Assembly.GetName().Version!.ToString(3) });

    public async Task ShowAsync(HttpContext context)
    {
        var fields = new RequestReader(await RequestBody.ReadAsync(context).ConfigureAwait(false), ShowFields);
        string name = fields.Text("model") ?? fields.Text("name") ?? throw fields.Wrong("model", "name the model");
        bool isEncoder = string.Equals(name.Split(':')[0], models.EncoderName, StringComparison.OrdinalIgnoreCase);
        if (!isEncoder) models.CheckModel(name);
        Model model = isEncoder ? models.Encoder! : models.Model;
        string architecture = model.Config.Architecture;
        await Answers.WriteAsync(context, new
        {
            Modelfile = "",
            Parameters = "",
            Template = model.ChatTemplate?.Source ?? "",
            Details = Details(model),
            Capabilities = Capabilities(isEncoder),
            ModelInfo = new Dictionary<string, object>
            {
                ["general.architecture"] = architecture,
                [$"{architecture}.context_length"] = model.Config.ContextLength,
                [$"{architecture}.block_count"] = model.Config.Layers,
                [$"{architecture}.embedding_length"] = model.Config.Width,
                [$"{architecture}.attention.head_count"] = model.Config.Heads,
                [$"{architecture}.attention.head_count_kv"] = model.Config.KvHeads,
            },
            ModifiedAt = Changed(model),
        }).ConfigureAwait(false);
    }

    private IEnumerable<string> Capabilities(bool isEncoder)
    {
        yield return isEncoder ? "embedding" : "completion";
        if (!isEncoder && models.Tools is not null) yield return "tools";
        if (!isEncoder && models.Images is not null) yield return "vision";
    }

    public static Task PullAsync(HttpContext context) =>
        throw RequestException.Bad("this server serves the models that it was started with; kvasir models pull NAME gets others");

    private IEnumerable<(string Name, Model Model)> All()
    {
        yield return (models.Name, models.Model);
        if (models.Encoder is not null) yield return (models.EncoderName!, models.Encoder);
    }

    private static object Describe(string name, Model model) => new
    {
        Name = name,
        Model = name,
        ModifiedAt = Changed(model),
        Size = model.WeightBytes,
        Digest = model.Identity,
        Details = Details(model),
        ExpiresAt = DateTimeOffset.MaxValue,
        SizeVram = 0,
    };

    private static object Details(Model model) => new
    {
        ParentModel = "",
        Format = Directory.Exists(model.Path) ? "safetensors" : "gguf",
        Family = model.Config.Architecture,
        Families = new[] { model.Config.Architecture },
        ParameterSize = "",
        QuantizationLevel = "",
    };

    private static DateTimeOffset Changed(Model model) => File.GetLastWriteTimeUtc(model.Path);
}
