using Kvasir.Models;
using Microsoft.Extensions.AI;

namespace Kvasir.Extensions.AI;

/// <summary>A local sentence encoder (BERT type) as .NET's embedding generator: vectors of length 1.</summary>
public sealed class KvasirEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly Model _encoder;
    private readonly bool _owns;

    /// <summary>A generator on an encoder, which is not disposed with it.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="modelId">What it is called in replies and telemetry.</param>
    public KvasirEmbeddingGenerator(Model encoder, string modelId)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        (_encoder, Metadata) = (encoder, new EmbeddingGeneratorMetadata(
            "kvasir", defaultModelId: modelId, defaultModelDimensions: encoder.Config.Width));
    }

    /// <summary>A generator with an encoder of its own, disposed with it.</summary>
    /// <param name="modelPath">A GGUF file or a Hugging Face folder.</param>
    /// <exception cref="InvalidInputException">Not a usable model; the message says why.</exception>
    public KvasirEmbeddingGenerator(string modelPath) : this(Model.Load(modelPath), Path.GetFileNameWithoutExtension(modelPath)) =>
        _owns = true;

    /// <summary>Who computes them.</summary>
    public EmbeddingGeneratorMetadata Metadata { get; }

    /// <inheritdoc/>
    /// <exception cref="InvalidInputException">The model is no sentence encoder, or has other dimensions than are asked for.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        string[] texts = [.. values];
        if (options?.Dimensions is int dimensions && dimensions != _encoder.Config.Width)
            throw new InvalidInputException($"this encoder's embeddings have {_encoder.Config.Width} dimensions, not {dimensions}");
        if (texts.Length == 0) return [];
        float[][] vectors = await Task.Run(() => _encoder.Embed(texts), cancellationToken).ConfigureAwait(false);
        long tokens = texts.Sum(text => (long)_encoder.Tokenizer.Encode(text, addSpecial: true).Length);
        return new GeneratedEmbeddings<Embedding<float>>(vectors.Select(vector =>
            new Embedding<float>(vector) { ModelId = Metadata.DefaultModelId, CreatedAt = DateTimeOffset.UtcNow }))
        {
            Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens },
        };
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null : serviceType == typeof(EmbeddingGeneratorMetadata) ? Metadata
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Frees the encoder where it is the generator's own.</summary>
    public void Dispose()
    {
        if (_owns) _encoder.Dispose();
    }
}
