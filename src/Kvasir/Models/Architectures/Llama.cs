namespace Kvasir.Models.Architectures;

/// <summary>Llama 1 to 3, SmolLM2, Mistral (with its sliding window), Qwen 2 (with biases) and Qwen 3 (with query and key norms).</summary>
internal sealed class Llama : Architecture
{
    public override IReadOnlyList<string> Names => ["llama", "mistral", "qwen2", "qwen3"];

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config) => LlamaLike(metadata, config);
}
