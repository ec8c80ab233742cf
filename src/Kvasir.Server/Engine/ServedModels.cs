using Kvasir.Generation;
using Kvasir.Generation.Chat;
using Kvasir.Models;
using Kvasir.Server.Requests;
using Kvasir.Vision;

namespace Kvasir.Server.Engine;

/// <summary>The models that a server has, and what they are called.</summary>
internal sealed class ServedModels(Model model, Model? encoder, ServerOptions options) : IDisposable
{
    private readonly Turns _embedding = new(options.Engine.QueueLimit);

    /// <summary>Another name for the language model, for programs that are set up once.</summary>
    public const string Alias = "kvasir";

    public Model Model => model;

    public Model? Encoder => encoder;

    /// <summary>What shows pictures to the language model.</summary>
    public ImageEncoder? Images => options.Images;

    public EngineLoop Engine { get; } = new(model, options.Engine);

    public string Name { get; } = NameOf(model);

    public string? EncoderName { get; } = encoder is null ? null : NameOf(encoder);

    public DateTimeOffset Started { get; } = DateTimeOffset.UtcNow;

    public ToolForm? Tools { get; } = ToolForm.Of(model.ChatTemplate);

    /// <summary>Whether a request that names this model means the language model.</summary>
    public bool IsLanguageModel(string name) =>
        Plain(name) is Alias || string.Equals(Plain(name), Name, StringComparison.OrdinalIgnoreCase);

    /// <summary>Checks that a request means the language model.</summary>
    /// <exception cref="RequestException">It is called otherwise.</exception>
    public void CheckModel(string name)
    {
        if (!IsLanguageModel(name)) throw Unknown(name);
    }

    /// <summary>Checks that a request means the encoder.</summary>
    /// <exception cref="RequestException">It is called otherwise, or there is none.</exception>
    public Model RequireEncoder(string name)
    {
        if (encoder is null) throw RequestException.Bad("this server has no sentence encoder; start it with one");
        return Plain(name) is Alias || string.Equals(Plain(name), EncoderName, StringComparison.OrdinalIgnoreCase) ? encoder
            : throw Unknown(name);
    }

    /// <summary>The embeddings of texts, and their tokens.</summary>
    /// <exception cref="QueueFullException">Too many requests wait for the encoder.</exception>
    public async Task<(float[][] Vectors, long Tokens)> EmbedAsync(IReadOnlyList<string> texts, CancellationToken cancellation)
    {
        using IDisposable turn = await _embedding.EnterAsync(cancellation).ConfigureAwait(false);
        return await Task.Run(() => (encoder!.Embed(texts),
            texts.Sum(text => (long)encoder.Tokenizer.Encode(text, addSpecial: true).Length)), cancellation).ConfigureAwait(false);
    }

    /// <summary>Stops the engine.</summary>
    public void Dispose()
    {
        Engine.Dispose();
        _embedding.Dispose();
    }

    private RequestException Unknown(string name) => RequestException.NotFound(
        $"there is no model {(name.Length > 100 ? name[..100] + "…" : name)}; there is "
            + $"{Name}{(EncoderName is null ? "" : " and " + EncoderName)}", "model_not_found");

    /// <summary>Ollama's names have a tag.</summary>
    private static string Plain(string name) => name.EndsWith(":latest", StringComparison.Ordinal) ? name[..^":latest".Length] : name;

    private static string NameOf(Model model)
    {
        string file = Path.GetFileName(Path.TrimEndingDirectorySeparator(model.Path));
        return file.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? file[..^".gguf".Length] : file;
    }
}
