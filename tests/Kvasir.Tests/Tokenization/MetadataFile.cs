using Kvasir.Formats;

namespace Kvasir.Tests.Tokenization;

/// <summary>A model that is metadata only, or a tokenizer.json.</summary>
internal sealed class MetadataFile(IReadOnlyDictionary<string, object> metadata, string? tokenizerJson = null) : ModelFile
{
    public override string Path => tokenizerJson ?? "test.gguf";

    public override IReadOnlyDictionary<string, object> Metadata => metadata;

    public override IReadOnlyDictionary<string, Tensor> Tensors { get; } = new Dictionary<string, Tensor>();

    public override bool InterleavedRotary => false;

    public override string? TokenizerJsonPath => tokenizerJson;

    internal override void Release(Tensor tensor)
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
