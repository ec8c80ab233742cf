using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Vision.Pictures;
using Kvasir.Vision.Towers;

namespace Kvasir.Vision.Families;

/// <summary>
/// Gemma 3 (Gemma team 2025): SigLIP's tower with its last norm, the mean of a square of patches, an RMS norm and one matrix; a picture of
/// 896 pixels becomes 256 rows, which see each other in the language model. Pictures are stretched to a square; their parts are not
/// looked at by themselves ("pan and scan", which is off in the published models).
/// </summary>
internal sealed class Gemma3 : ImageFamily
{
    private const string Matrix = "mm.input_projection", Norm = "mm.soft_emb_norm";

    private const int UsualSquare = 4, UsualRows = 256;

    public override string Projector => "gemma3";

    public override string Models => "Gemma 3";

    public override HfVision HuggingFace { get; } = new(
        ["gemma3"], new HfTowerSizes(224, 16, 768, 3072, 12, 12),
        new Dictionary<string, string>
        {
            ["multi_modal_projector.mm_input_projection_weight"] = Matrix + ".weight",
            ["multi_modal_projector.mm_soft_emb_norm.weight"] = Norm + ".weight",
        },
        (config, tower, pictures) =>
        {
            if (pictures.Flag("do_pan_and_scan") == true) throw pictures.Wrong("do_pan_and_scan", "false (it is not supported)");
            long side = tower.ImageSize / Math.Max(1, tower.PatchSize);
            double across = Math.Sqrt(Math.Max(1, config.Integer("mm_tokens_per_image") ?? UsualRows));
            return new Dictionary<string, object> { ["clip.vision.projector.scale_factor"] = Math.Max(1, (long)(side / across)) };
        })
    { LackOne = [Norm + ".weight"] };

    public override TowerSpec Describe(ModelFile file, TowerSpec common) =>
        common.WithSquare(file, file.Get("clip.vision.projector.scale_factor", UsualSquare));

    public override IReadOnlyList<Picture> Seen(Picture picture, TowerSpec spec) =>
        [Resizing.Linear(picture, spec.ImageSize, spec.ImageSize)];

    public override ImageLayout LayoutOf(int width, int height, TowerSpec spec) =>
        new([new ImagePart("<start_of_image>", 0), new ImagePart("", spec.Rows), new ImagePart("<end_of_image>", 0)]);

    /// <summary>The matrix is stored [inputs, outputs].</summary>
    public override Projector ProjectorOf(TowerSpec spec, TowerTensors tensors, TowerKernels kernels)
    {
        Linear matrix = tensors.Transposed(Matrix, tensors.ColumnsOf(Matrix + ".weight"), spec.Width);
        NormWeights norm = tensors.RmsNorm(Norm, spec.Width, spec.Epsilon);
        return new Projector(spec, kernels, Pooled, matrix);

        void Pooled(TowerSpec tower, ReadOnlySpan<float> features, int row, Span<float> pooled)
        {
            PatchSquare.Mean(tower, features, row, pooled);
            norm.Apply(pooled, pooled);
        }
    }

    public override int RowWidth(ModelFile file) => file.RequireTensor(Matrix + ".weight").Columns;
}
