using Kvasir.Formats;
using Kvasir.Vision.Pictures;
using Kvasir.Vision.Towers;

namespace Kvasir.Vision.Families;

/// <summary>
/// Idefics 3 and SmolVLM (Laurençon et al. 2024): SigLIP's tower with its last norm, the features of a square of patches side by side and
/// one matrix. A picture is seen in tiles and as a whole.
/// </summary>
internal sealed class Idefics3 : ImageFamily
{
    private const string Matrix = "mm.model.fc", Around = "<fake_token_around_image>";

    public override string Projector => "idefics3";

    public override string Models => "SmolVLM";

    public override HfVision HuggingFace { get; } = new(
        ["idefics3", "smolvlm"], new HfTowerSizes(224, 32, 1152, 3072, 16, 12),
        new Dictionary<string, string> { ["connector.modality_projection.proj.weight"] = Matrix + ".weight" },
        (config, tower, pictures) => new Dictionary<string, object>
        {
            ["clip.vision.projector.scale_factor"] = config.Integer("scale_factor") ?? 2,
            ["clip.vision.preproc_image_size"] = pictures.Flag("do_image_splitting") == false
                ? tower.ImageSize : pictures.Object("size")?.Integer("longest_edge") ?? 4 * tower.ImageSize,
        });

    public override TowerSpec Describe(ModelFile file, TowerSpec common) =>
        common.WithSquare(file, TowerSpec.Size(file, "projector.scale_factor")) with
        {
            LongestEdge = Math.Max(common.ImageSize, file.Get("clip.vision.preproc_image_size", 4 * common.ImageSize)),
        };

    public override IReadOnlyList<Picture> Seen(Picture picture, TowerSpec spec) => Tiles.Cut(picture, spec).Pictures;

    public override ImageLayout LayoutOf(int width, int height, TowerSpec spec)
    {
        (int down, int across) = Tiles.GridOf(width, height, spec);
        var parts = new List<ImagePart>();
        for (int i = 0; i < down * across; i++)
        {
            string before = i > 0 && i % across == 0 ? "\n" : "";
            parts.Add(new ImagePart($"{before}{Around}<row_{i / across + 1}_col_{i % across + 1}>", 0));
            parts.Add(new ImagePart("", spec.Rows));
        }
        parts.Add(new ImagePart($"{(down > 0 ? "\n\n" : "")}{Around}<global-img>", 0));
        parts.Add(new ImagePart("", spec.Rows));
        parts.Add(new ImagePart(Around, 0));
        return new ImageLayout(parts);
    }

    public override Projector ProjectorOf(TowerSpec spec, TowerTensors tensors, TowerKernels kernels) =>
        new(spec, kernels, PatchSquare.SideBySide,
            tensors.Linear(Matrix, tensors.RowsOf(Matrix + ".weight"), spec.Width * spec.Square * spec.Square));

    public override int RowWidth(ModelFile file) => file.RequireTensor(Matrix + ".weight").Rows;
}
