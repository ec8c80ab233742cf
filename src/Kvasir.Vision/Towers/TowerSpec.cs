using Kvasir.Formats;
using Kvasir.Numerics;

namespace Kvasir.Vision.Towers;

/// <summary>What the metadata of an image encoder say, under the keys that llama.cpp's files have (<c>clip.*</c>).</summary>
internal sealed record TowerSpec
{
    private const int MostSize = 1 << 14;

    /// <summary>Side of a picture as the tower sees it, in pixels.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Side of a patch.</summary>
    public required int PatchSize { get; init; }

    public required int Width { get; init; }

    public required int FeedForward { get; init; }

    public required int Heads { get; init; }

    /// <summary>Blocks that are run.</summary>
    public required int Blocks { get; init; }

    public required float Epsilon { get; init; }

    public required Activation Activation { get; init; }

    /// <summary>Mean of red, green and blue, of values from 0 to 1.</summary>
    public required float[] Mean { get; init; }

    /// <summary>Their standard deviations.</summary>
    public required float[] Deviation { get; init; }

    /// <summary>Whether a norm stands behind the last block.</summary>
    public bool NormsBehind { get; init; } = true;

    /// <summary>Patches on the side of a square that becomes one row.</summary>
    public int Square { get; init; } = 1;

    /// <summary>The longest side that a picture is brought to before it is cut into tiles.</summary>
    public int LongestEdge { get; init; }

    /// <summary>Patches on a side.</summary>
    public int Side => ImageSize / PatchSize;

    public int Patches => Side * Side;

    /// <summary>Rows that a picture of the tower's size becomes.</summary>
    public int Rows => Patches / (Square * Square);

    /// <exception cref="InvalidInputException">No image encoder.</exception>
    public static void CheckIsEncoder(ModelFile file)
    {
        if (file.Get("general.architecture", "") != "clip" || !file.Get("clip.has_vision_encoder", false))
            throw new InvalidInputException($"{file.Path}: not an image encoder (a GGUF file whose architecture is clip, often with mmproj "
                + "in its name, or the folder of a SmolVLM or Gemma 3)");
    }

    /// <summary>Reads and checks what all families have.</summary>
    /// <exception cref="InvalidInputException">Something is missing or damaged.</exception>
    public static TowerSpec Read(ModelFile file)
    {
        int imageSize = Size(file, "image_size"), patchSize = Size(file, "patch_size"), width = Size(file, "embedding_length"),
            heads = Size(file, "attention.head_count");
        if (imageSize % patchSize != 0) throw Wrong(file, "image_size", $"a multiple of the patch size, {patchSize}");
        if (width % heads != 0) throw Wrong(file, "attention.head_count", $"a divisor of the width, {width}");
        return new TowerSpec
        {
            ImageSize = imageSize,
            PatchSize = patchSize,
            Width = width,
            FeedForward = Size(file, "feed_forward_length"),
            Heads = heads,
            Blocks = Size(file, "block_count"),
            Epsilon = file.Require<float>("clip.vision.attention.layer_norm_epsilon"),
            Activation = file.Get("clip.use_silu", false) ? Activation.Silu
                : file.Get("clip.use_gelu", false) ? Activation.GeluTanh : Activation.GeluQuick,
            Mean = Colours("image_mean"),
            Deviation = Colours("image_std"),
        };

        float[] Colours(string name) => file.Metadata.GetValueOrDefault($"clip.vision.{name}") is double[] { Length: 3 } values
            && Array.TrueForAll(values, double.IsFinite) && (name == "image_mean" || Array.TrueForAll(values, value => value > 0))
                ? [.. values.Select(value => (float)value)] : throw Wrong(file, name, "three numbers");
    }

    /// <summary>The same with squares of patches that become a row each.</summary>
    /// <exception cref="InvalidInputException">The patches are not whole squares.</exception>
    public TowerSpec WithSquare(ModelFile file, int square) => square > 0 && Side % square == 0
        ? this with { Square = square } : throw Wrong(file, "projector.scale_factor", $"a divisor of {Side}");

    /// <summary>A size from the metadata.</summary>
    /// <exception cref="InvalidInputException">It is missing or out of range.</exception>
    public static int Size(ModelFile file, string name) => file.Require<int>($"clip.vision.{name}") is var size and > 0 and <= MostSize
        ? size : throw Wrong(file, name, $"from 1 to {MostSize}");

    /// <summary>What is said of a value that cannot be.</summary>
    public static InvalidInputException Wrong(ModelFile file, string name, string what) =>
        new($"{file.Path}: metadata 'clip.vision.{name}' must be {what}");
}
