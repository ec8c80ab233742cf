using Kvasir.Vision;

namespace Kvasir.Cli.Input;

/// <summary>Pictures that are asked about, and the encoder that is opened when the first is looked at.</summary>
/// <param name="files">The pictures.</param>
/// <param name="encoder">The encoder's file; null for the one beside the model.</param>
/// <param name="options">Threads, and how products are computed.</param>
internal sealed class PictureInput(IReadOnlyList<string> files, string? encoder, ModelOptions options) : IDisposable
{
    private ImageEncoder? _encoder;
    private InputEmbeddings? _embeddings;

    /// <summary>The pictures that were named.</summary>
    public IReadOnlyList<string> Files => files;

    /// <summary>The rows of all pictures that were looked at; null before the first.</summary>
    public InputEmbeddings? Embeddings => _embeddings;

    /// <summary>The ids of a text with the named pictures in it.</summary>
    /// <exception cref="InvalidInputException">A picture cannot be read, there is no encoder, or it belongs to another model.</exception>
    public int[] Encode(Model model, string text) => files.Count == 0
        ? model.Tokenizer.Encode(text, parseSpecial: true, addSpecial: true)
        : ImagePrompt.Encode(model.Tokenizer, text, [.. files.Select(file => Encoder(model).Encode(file))], Rows(model));

    /// <summary>The texts that stand for the named pictures in messages.</summary>
    /// <inheritdoc cref="Encode"/>
    public IReadOnlyList<string> Show(Model model) => [.. files.Select(file => Show(model, file))];

    /// <summary>The text that stands for one more picture in messages.</summary>
    /// <inheritdoc cref="Encode"/>
    public string Show(Model model, string file) => Encoder(model).Encode(file).Show(model.Tokenizer, Rows(model));

    /// <summary>The encoder.</summary>
    /// <exception cref="InvalidInputException">There is none, or it belongs to another model.</exception>
    public ImageEncoder Encoder(Model model)
    {
        if (_encoder is not null) return _encoder;
        ImageEncoder opened = ImageEncoder.Open(encoder ?? Beside(model.Path) ?? throw new InvalidInputException(
            $"no image encoder was found beside {model.Path}; name one with --mmproj PATH"), options);
        try
        {
            opened.CheckFits(model);
        }
        catch
        {
            opened.Dispose();
            throw;
        }

        return _encoder = opened;
    }

    /// <summary>
    /// The encoder that stored pictures need: the one named, or the one beside the model where there is one that fits it; null without.
    /// </summary>
    /// <exception cref="InvalidInputException">The one named cannot be used.</exception>
    public static ImageEncoder? TryOpen(Model model, string? named, ModelOptions options)
    {
        try
        {
            return named is null && Beside(model.Path) is null ? null : new PictureInput([], named, options).Encoder(model);
        }
        catch (InvalidInputException) when (named is null)
        {
            return null; // It belongs to another model of the folder.
        }
    }

    /// <summary>Goes on with what a session shows already.</summary>
    public void Use(InputEmbeddings? embeddings) => _embeddings = embeddings;

    public void Dispose() => _encoder?.Dispose();

    /// <summary>
    /// The file with <c>mmproj</c> in its name beside a model, of several the one whose name has most of the model's; the folder itself
    /// where it is a Hugging Face model with pictures.
    /// </summary>
    internal static string? Beside(string model)
    {
        if (Directory.Exists(model)) return File.Exists(Path.Combine(model, "preprocessor_config.json")) ? model : null;
        string name = Path.GetFileName(model);
        return Directory.EnumerateFiles(Path.GetDirectoryName(Path.GetFullPath(model))!, "*.gguf")
            .Where(path => Path.GetFileName(path).Contains("mmproj", StringComparison.OrdinalIgnoreCase))
            .OrderByDescending(path => Path.GetFileName(path).Replace("mmproj-", "", StringComparison.OrdinalIgnoreCase).AsSpan()
                .CommonPrefixLength(name)).ThenBy(path => path, StringComparer.Ordinal).FirstOrDefault();
    }

    private InputEmbeddings Rows(Model model) => _embeddings ??= new InputEmbeddings(model.Config.Width);
}
