using Kvasir.Models;
using Kvasir.Numerics;
using Kvasir.Vision.Pictures;
using Kvasir.Vision.Tests.Pictures;

namespace Kvasir.Vision.Tests;

/// <summary>Encoders of random weights against plain loops, in every form that they come in.</summary>
public sealed class TowerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static NaiveTower Clip => new NaiveTower().Randomised(1);

    private static NaiveTower SigLip => new NaiveTower { Shuffle = 2, FeedForward = 24 }.Randomised(2);

    private static NaiveTower Pooled => new NaiveTower { Shuffle = 3, Pools = true, FeedForward = 32 }.Randomised(5);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Llava_s_encoder_gives_what_plain_loops_give(bool swapped) =>
        Same(Clip, TinyEncoder.Gguf(Clip, _folder.Sub("clip-mmproj.gguf"), swapped));

    [Fact]
    public void Smolvlm_s_encoder_gives_what_plain_loops_give_from_a_file_and_from_a_folder()
    {
        Same(SigLip, TinyEncoder.Gguf(SigLip, _folder.Sub("siglip-mmproj.gguf")));
        Same(SigLip, TinyEncoder.Folder(SigLip, _folder));
    }

    [Fact]
    public void Gemma_s_encoder_gives_what_plain_loops_give_from_a_file_and_from_a_folder()
    {
        Same(Pooled, TinyEncoder.Gguf(Pooled, _folder.Sub("pooled-mmproj.gguf")));
        Same(Pooled, TinyEncoder.Folder(Pooled, _folder));
    }

    [Fact]
    public void Every_kernel_path_gives_the_same()
    {
        string path = TinyEncoder.Gguf(Clip, _folder.Sub("mmproj.gguf"));
        foreach (KernelPath kernels in KernelPaths.Supported)
            Same(Clip, path, new ModelOptions { Kernels = kernels, Threads = 3 });
    }

    [Fact]
    public void The_file_is_read_as_its_metadata_say()
    {
        Refused("not an image encoder", ("general.architecture", "llama"));
        Refused("'qwen2vl_merger' is not supported", ("clip.projector_type", "qwen2vl_merger"));
        Refused("must be a multiple of the patch size", ("clip.vision.image_size", 26u));
        Refused("must be from 1 to", ("clip.vision.embedding_length", 0u));
        Refused("must be three numbers", ("clip.vision.image_std", new[] { 0.2f, 0f, 0.4f }));
        Refused("LLaVA 1.6", ("clip.vision.mm_patch_merge_type", "spatial_unpad"));
        Refused("v.position_embd.weight", ("clip.vision.image_size", 48u));
        Refused(SigLip, "must be a divisor of 6", ("clip.vision.projector.scale_factor", 4u));
        Refused(Pooled, "must be a divisor of 6", ("clip.vision.projector.scale_factor", 0u));
    }

    [Fact]
    public void An_encoder_of_another_width_is_refused()
    {
        using ImageEncoder encoder = ImageEncoder.Open(TinyEncoder.Gguf(Clip, _folder.Sub("mmproj.gguf")));
        Assert.Equal(20, encoder.Width);
    }

    private void Refused(string why, (string, object) changed) => Refused(Clip, why, changed);

    private void Refused(NaiveTower tower, string why, (string, object) changed)
    {
        string path = TinyEncoder.Gguf(tower, _folder.Sub("bad.gguf"), changed: changed);
        var refused = Assert.Throws<InvalidInputException>(() =>
        {
            using ImageEncoder encoder = ImageEncoder.Open(path);
            encoder.Encode(Png(encoder.Spec.ImageSize, encoder.Spec.ImageSize), "x.png");
        });
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }

    private static void Same(NaiveTower tower, string path, ModelOptions? options = null)
    {
        using ImageEncoder encoder = ImageEncoder.Open(path, options ?? new ModelOptions { Compute = ComputeMode.Float32, Threads = 2 });
        byte[] png = Png(tower.ImageSize, tower.ImageSize);
        float[] rows = encoder.Encode(png, "x.png").ToArray();
        Picture seen = PictureReader.Read(png, "x.png");
        if (tower is { Shuffle: > 0, Pools: false }) seen = Tiles.Cut(seen, encoder.Spec).Pictures[^1];
        double[] expected = [.. tower.Rows(encoder.Normalised(seen)).SelectMany(row => row)];
        Assert.Equal(tower.LlmWidth, encoder.Width);
        float[] last = rows[^expected.Length..];
        Assert.True(expected.Max() - expected.Min() > 1, "something is to be compared");
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], last[i], 2e-4);
    }

    /// <summary>A picture of colours by chance.</summary>
    internal static byte[] Png(int width, int height) => PictureFiles.Encoded(width, height, "png");
}
