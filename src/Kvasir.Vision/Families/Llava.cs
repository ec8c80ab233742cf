using Kvasir.Formats;
using Kvasir.Vision.Pictures;
using Kvasir.Vision.Towers;

namespace Kvasir.Vision.Families;

/// <summary>
/// LLaVA 1.5 (Liu et al. 2024): CLIP's tower without its last block and its class token, a row a patch, two matrices with GELU between
/// them, in its tanh form as llama.cpp has it. Pictures are padded to a square.
/// </summary>
internal sealed class Llava : ImageFamily
{
    /// <summary>The projector's name.</summary>
    public const string Name = "mlp";

    private const string First = "mm.0", Second = "mm.2";

    /// <summary>What fills a picture's square, by red, green and blue.</summary>
    private static readonly byte[] s_background = [122, 116, 104];

    public override string Projector => Name;

    public override string Models => "LLaVA 1.5";

    public override TowerSpec Describe(ModelFile file, TowerSpec common)
    {
        if (common.Blocks < 2) throw TowerSpec.Wrong(file, "block_count", "at least 2");
        int blocks = common.Blocks - 1;
        if (file.Get("clip.vision.mm_patch_merge_type", "flat") != "flat" || file.Metadata.ContainsKey("clip.vision.image_grid_pinpoints"))
            throw new InvalidInputException($"{file.Path}: the tiles of LLaVA 1.6 are not supported");
        if (file.Metadata.GetValueOrDefault("clip.vision.feature_layer") is { } layers && layers is not long[] { Length: 1 })
            throw new InvalidInputException($"{file.Path}: features of several blocks (clip.vision.feature_layer) are not supported");
        if (file.Metadata.GetValueOrDefault("clip.vision.feature_layer") is long[] one && one[0] != blocks)
            throw new InvalidInputException($"{file.Path}: features behind block {one[0]} are not supported, those behind {blocks} are");
        return common with { Blocks = blocks, NormsBehind = false };
    }

    public override IReadOnlyList<Picture> Seen(Picture picture, TowerSpec spec) =>
        [Resizing.ToSquare(picture, spec.ImageSize, s_background)];

    public override Projector ProjectorOf(TowerSpec spec, TowerTensors tensors, TowerKernels kernels)
    {
        int inner = tensors.RowsOf(First + ".weight");
        return new Projector(spec, kernels, PatchSquare.SideBySide,
            tensors.Linear(First, inner, spec.Width), tensors.Linear(Second, tensors.RowsOf(Second + ".weight"), inner));
    }

    public override int RowWidth(ModelFile file) => file.RequireTensor(Second + ".weight").Rows;
}
