using Kvasir.Formats;
using Kvasir.Numerics;

namespace Kvasir.Vision.Towers;

/// <summary>How the tower's patches become rows for the language model.</summary>
internal enum ProjectorKind
{
    /// <summary>Two matrices with GELU between them, a row a patch (LLaVA).</summary>
    Mlp,

    /// <summary>Squares of patches side by side, and one matrix (Idefics 3, SmolVLM).</summary>
    PixelShuffle,
}

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

    /// <summary>Blocks that are run; LLaVA takes what stands before the last one.</summary>
    public required int Blocks { get; init; }

    public required float Epsilon { get; init; }

    public required Activation Activation { get; init; }

    /// <summary>Mean of red, green and blue, of values from 0 to 1.</summary>
    public required float[] Mean { get; init; }

    /// <summary>Their standard deviations.</summary>
    public required float[] Deviation { get; init; }

    public required ProjectorKind Projector { get; init; }

    /// <summary>Patches on the side of a square that becomes one row.</summary>
    public int Shuffle { get; init; } = 1;

    /// <summary>The longest side that a picture is brought to before it is cut into tiles.</summary>
    public int LongestEdge { get; init; }

    /// <summary>Patches on a side.</summary>
    public int Side => ImageSize / PatchSize;

    public int Patches => Side * Side;

    /// <summary>Reads and checks them.</summary>
    /// <exception cref="InvalidInputException">No image encoder, one that is not supported, or damaged.</exception>
    public static TowerSpec Read(ModelFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (file.Get("general.architecture", "") != "clip" || !file.Get("clip.has_vision_encoder", false))
            throw new InvalidInputException($"{file.Path}: not an image encoder (a GGUF file whose architecture is clip, often with mmproj "
                + "in its name, or the folder of a SmolVLM)");
        ProjectorKind projector = Kind(file);
        int imageSize = Size("image_size"), patchSize = Size("patch_size"), width = Size("embedding_length"),
            heads = Size("attention.head_count"), blocks = Size("block_count"), shuffle = 1;
        if (projector == ProjectorKind.PixelShuffle) shuffle = Size("projector.scale_factor");
        if (imageSize % patchSize != 0) throw Wrong("image_size", $"a multiple of the patch size, {patchSize}");
        if (imageSize / patchSize % shuffle != 0) throw Wrong("projector.scale_factor", $"a divisor of {imageSize / patchSize}");
        if (width % heads != 0) throw Wrong("attention.head_count", $"a divisor of the width, {width}");
        if (projector == ProjectorKind.Mlp && --blocks < 1) throw Wrong("block_count", "at least 2");
        RefuseOthers(file, blocks);
        return new TowerSpec
        {
            ImageSize = imageSize,
            PatchSize = patchSize,
            Width = width,
            FeedForward = Size("feed_forward_length"),
            Heads = heads,
            Blocks = blocks,
            Epsilon = file.Require<float>("clip.vision.attention.layer_norm_epsilon"),
            Activation = file.Get("clip.use_silu", false) ? Activation.Silu
                : file.Get("clip.use_gelu", false) ? Activation.GeluTanh : Activation.GeluQuick,
            Mean = Colours("image_mean"),
            Deviation = Colours("image_std"),
            Projector = projector,
            Shuffle = shuffle,
            LongestEdge = Math.Max(imageSize, file.Get("clip.vision.preproc_image_size", 4 * imageSize)),
        };

        int Size(string name) => file.Require<int>($"clip.vision.{name}") is var size and > 0 and <= MostSize
            ? size : throw Wrong(name, $"from 1 to {MostSize}");
        float[] Colours(string name) => file.Metadata.GetValueOrDefault($"clip.vision.{name}") is double[] { Length: 3 } values
            && Array.TrueForAll(values, double.IsFinite) && (name == "image_mean" || Array.TrueForAll(values, value => value > 0))
                ? [.. values.Select(value => (float)value)] : throw Wrong(name, "three numbers");
        InvalidInputException Wrong(string name, string what) => new($"{file.Path}: metadata 'clip.vision.{name}' must be {what}");
    }

    private static ProjectorKind Kind(ModelFile file)
    {
        string name = file.Get("clip.vision.projector_type", file.Get("clip.projector_type", "mlp"));
        return name switch
        {
            "mlp" => ProjectorKind.Mlp,
            "idefics3" => ProjectorKind.PixelShuffle,
            _ => throw new InvalidInputException(
                $"{file.Path}: image projector '{name}' is not supported (mlp of LLaVA 1.5 and idefics3 of SmolVLM are)"),
        };
    }

    /// <summary>What would change the result and is not done here.</summary>
    private static void RefuseOthers(ModelFile file, int blocks)
    {
        if (file.Get("clip.vision.mm_patch_merge_type", "flat") != "flat" || file.Metadata.ContainsKey("clip.vision.image_grid_pinpoints"))
            throw new InvalidInputException($"{file.Path}: the tiles of LLaVA 1.6 are not supported");
        if (file.Metadata.GetValueOrDefault("clip.vision.feature_layer") is { } layers && layers is not long[] { Length: 1 })
            throw new InvalidInputException($"{file.Path}: features of several blocks (clip.vision.feature_layer) are not supported");
        if (file.Metadata.GetValueOrDefault("clip.vision.feature_layer") is long[] one && one[0] != blocks)
            throw new InvalidInputException($"{file.Path}: features behind block {one[0]} are not supported, those behind {blocks} are");
    }
}
