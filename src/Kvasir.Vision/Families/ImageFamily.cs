using Kvasir.Formats;
using Kvasir.Vision.Pictures;
using Kvasir.Vision.Towers;

namespace Kvasir.Vision.Families;

/// <summary>
/// What one family of vision-language models does with pictures: what its tower is shown of them, how patches become rows, and which tokens
/// stand around the rows. A new family is one file and its name in <see cref="All"/>.
/// </summary>
internal abstract class ImageFamily
{
    /// <summary>All that are known.</summary>
    public static IReadOnlyList<ImageFamily> All { get; } = [new Llava(), new Idefics3(), new Gemma3()];

    /// <summary>The projector's name in GGUF files (<c>projector_type</c>).</summary>
    public abstract string Projector { get; }

    /// <summary>Models of the family, for messages.</summary>
    public abstract string Models { get; }

    /// <summary>What folders of Hugging Face's form are called and hold; null where none are read.</summary>
    public virtual HfVision? HuggingFace => null;

    /// <summary>The family of an image encoder's file.</summary>
    /// <exception cref="InvalidInputException">No image encoder, or one that is not supported.</exception>
    public static ImageFamily Of(ModelFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        TowerSpec.CheckIsEncoder(file);
        string name = file.Get("clip.vision.projector_type", file.Get("clip.projector_type", Llava.Name));
        return All.FirstOrDefault(family => family.Projector == name) ?? throw new InvalidInputException(
            $"{file.Path}: image projector '{name}' is not supported "
            + $"({string.Join(", ", All.Select(family => $"{family.Projector} of {family.Models}"))} are)");
    }

    /// <summary>The tower, completed by what the family knows of it.</summary>
    /// <exception cref="InvalidInputException">Something that would change the result is not done here.</exception>
    public abstract TowerSpec Describe(ModelFile file, TowerSpec common);

    /// <summary>What the tower sees of a picture, one after the other, each of the tower's size.</summary>
    public abstract IReadOnlyList<Picture> Seen(Picture picture, TowerSpec spec);

    /// <summary>How a picture of a size stands in a prompt.</summary>
    public virtual ImageLayout LayoutOf(int width, int height, TowerSpec spec) => new([new ImagePart("", spec.Rows)]);

    /// <summary>From the tower's features to rows.</summary>
    /// <exception cref="InvalidInputException">A tensor is missing or of another shape than the metadata say.</exception>
    public abstract Projector ProjectorOf(TowerSpec spec, TowerTensors tensors, TowerKernels kernels);

    /// <summary>Floats of a row: the width of the language model.</summary>
    /// <exception cref="InvalidInputException">The projector's last matrix is missing.</exception>
    public abstract int RowWidth(ModelFile file);
}
