namespace Kvasir.Models.Architectures;

/// <summary>Phi-3: Llama's block with fused tensors, a sliding window and longrope.</summary>
internal sealed class Phi3 : Architecture
{
    public override IReadOnlyList<string> Names => ["phi3"];

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config) => LlamaLike(metadata, config);
}
