using Kvasir.Formats;

namespace Kvasir.Vision.Families;

/// <summary>How a family's image encoder stands in folders of Hugging Face's form.</summary>
/// <param name="ModelTypes">Values of <c>model_type</c>.</param>
/// <param name="Defaults">Sizes of the tower where <c>vision_config</c> leaves them out.</param>
/// <param name="Tensors">Tensors of the projector, and what llama.cpp's files call them.</param>
/// <param name="Settings">
/// More of llama.cpp's metadata, from the configuration, the tower's sizes and the preprocessor's configuration.
/// </param>
internal sealed record HfVision(
    IReadOnlyList<string> ModelTypes, HfTowerSizes Defaults, IReadOnlyDictionary<string, string> Tensors,
    Func<HfJson, HfTowerSizes, HfJson, IReadOnlyDictionary<string, object>> Settings)
{
    /// <summary>Vectors, under their names in llama.cpp's files, that are stored less 1.</summary>
    public IReadOnlyList<string> LackOne { get; init; } = [];
}

/// <summary>Sizes of a tower.</summary>
internal sealed record HfTowerSizes(long ImageSize, long PatchSize, long Width, long FeedForward, long Heads, long Blocks);
