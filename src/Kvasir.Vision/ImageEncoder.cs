using System.Security.Cryptography;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Vision.Families;
using Kvasir.Vision.Files;
using Kvasir.Vision.Pictures;
using Kvasir.Vision.Towers;

namespace Kvasir.Vision;

/// <summary>
/// An image encoder with its projector: LLaVA 1.5's (CLIP), SmolVLM's or Gemma 3's (SigLIP), from a GGUF file in llama.cpp's form or from
/// the folder of a SmolVLM or Gemma 3. Safe to share between threads; pictures take turns.
/// </summary>
/// <example><code>
/// using var model = Model.Load("SmolLM2-135M-Instruct.Q4_1.gguf");
/// using var encoder = ImageEncoder.Open("shapes-mmproj.gguf");
/// using var session = new Session(model) { Embeddings = new InputEmbeddings(model.Config.Width) };
/// int[] prompt = ImagePrompt.Encode(model.Tokenizer, "What is this?", [encoder.Encode("photo.jpg")], session.Embeddings);
/// Console.WriteLine(session.Complete(prompt).Text);
/// </code></example>
public sealed class ImageEncoder : IDisposable
{
    private readonly ModelFile _file;
    private readonly ImageFamily _family;
    private readonly bool _float32;
    private readonly Lazy<LoadedEncoder> _loaded;
    private readonly Lock _turn = new();
    private readonly Lazy<string> _identity;

    private ImageEncoder(ModelFile file, ModelOptions options)
    {
        _file = file;
        _float32 = options.Compute == ComputeMode.Float32;
        _family = ImageFamily.Of(file);
        Spec = _family.Describe(file, TowerSpec.Read(file));
        Width = _family.RowWidth(file);
        _loaded = new Lazy<LoadedEncoder>(() => new LoadedEncoder(Spec, file, options, _family.ProjectorOf));
        _identity = new Lazy<string>(() => ModelIdentity.Cached(file));
    }

    /// <summary>The file or folder.</summary>
    public string Path => _file.Path;

    /// <summary>Floats of a row: the width of the language model that it belongs to.</summary>
    public int Width { get; }

    /// <summary>SHA-256 (hex) over tensor data and configuration, computed once and kept in the user's cache folder.</summary>
    public string Identity => _identity.Value;

    internal TowerSpec Spec { get; }

    /// <summary>Opens a GGUF file of architecture <c>clip</c> or a Hugging Face folder with an image encoder.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="options">Threads, and how products are computed.</param>
    /// <exception cref="InvalidInputException">No image encoder, one that is not supported, or damaged; the message says why.</exception>
    public static ImageEncoder Open(string path, ModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ModelFile file = Directory.Exists(path) ? VisionFolder.Open(path) : ModelFiles.Open(path);
        try
        {
            return new ImageEncoder(file, options ?? new ModelOptions());
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Encodes a picture: PNG, JPEG, WebP, BMP, or the first frame of a GIF.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidInputException">It is missing, too large, of another kind, or damaged.</exception>
    public EncodedImage Encode(string path) => Encode(PictureReader.ReadBytes(path), System.IO.Path.GetFileName(path));

    /// <summary>Encodes a picture from its file's bytes.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="name">What the picture is called in messages.</param>
    /// <exception cref="InvalidInputException">It is too large, of another kind, or damaged.</exception>
    public EncodedImage Encode(byte[] bytes, string name)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        ArgumentNullException.ThrowIfNull(name);
        Picture picture = PictureReader.Read(bytes, name);
        lock (_turn)
        {
            float[][] rows = [.. _family.Seen(picture, Spec).Select(seen => _loaded.Value.Projector.Project(Features(seen)))];
            return new EncodedImage(name, IdentityOf(SHA256.HashData(bytes)), LayoutOf(picture.Width, picture.Height), rows);
        }
    }

    /// <summary>Refuses a language model that its rows do not fit.</summary>
    /// <exception cref="InvalidInputException">The widths differ.</exception>
    public void CheckFits(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.Config.Width != Width)
            throw new InvalidInputException(
                $"{Path}: gives rows of {Width}, but {model.Path} reads rows of {model.Config.Width}: made for another language model");
    }

    /// <summary>What the rows of a picture are known by, without encoding it.</summary>
    /// <param name="fileHash">SHA-256 of the file.</param>
    internal string IdentityOf(byte[] fileHash) =>
        Convert.ToHexStringLower(SHA256.HashData([.. fileHash, .. Encoding.UTF8.GetBytes($"{Identity} {_float32}")]));

    /// <summary>How a picture of a size stands in a prompt.</summary>
    internal ImageLayout LayoutOf(int width, int height) => _family.LayoutOf(width, height, Spec);

    /// <summary>The tower's features of a picture of its size, for comparison.</summary>
    internal float[] Features(Picture picture) => _loaded.Value.Tower.Features(Normalised(picture));

    /// <summary>Colours from 0 to 1, minus their mean, over their deviation: [3, size, size].</summary>
    internal float[] Normalised(Picture picture)
    {
        int plane = picture.Width * picture.Height;
        var values = new float[3 * plane];
        for (int i = 0; i < values.Length; i++)
            values[i] = (picture.Pixels[i % plane * 3 + i / plane] / 255f - Spec.Mean[i / plane]) / Spec.Deviation[i / plane];
        return values;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_loaded.IsValueCreated) _loaded.Value.Dispose();
        _file.Dispose();
    }
}
