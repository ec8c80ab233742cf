using Kvasir.Cache;
using Kvasir.Tokenization;

namespace Kvasir.Models;

/// <summary>A loaded model: immutable weights, its tokenizer and chat template. Safe to share between threads; forward passes take turns.</summary>
public sealed class Model : IDisposable
{
    /// <summary>Loads a GGUF file or a Hugging Face folder.</summary>
    /// <exception cref="InvalidInputException">Not a usable model; the message says why.</exception>
    public static Model Load(string path, ModelOptions? options = null) => throw new NotImplementedException();

    /// <summary>The file or folder.</summary>
    public string Path => throw new NotImplementedException();

    /// <summary>Sizes and kinds.</summary>
    public ModelConfig Config => throw new NotImplementedException();

    /// <summary>The model's tokenizer.</summary>
    public Tokenizer Tokenizer => throw new NotImplementedException();

    /// <summary>The chat template that the file carries, or null.</summary>
    public ChatTemplate? ChatTemplate => throw new NotImplementedException();

    /// <summary>SHA-256 (hex) over tensor data and configuration, computed once and kept in the user's cache folder.</summary>
    public string Identity => throw new NotImplementedException();

    internal KvLayout CacheLayout => throw new NotImplementedException();

    /// <summary>Bytes of packed weights.</summary>
    public long WeightBytes => throw new NotImplementedException();

    /// <summary>An empty cache for one sequence.</summary>
    /// <param name="policy">How it keeps keys and values; float16 by default.</param>
    /// <param name="pool">Where its blocks come from; a pool of its own without budget by default.</param>
    public KvCache NewCache(KvPolicy? policy = null, BlockPool? pool = null) => throw new NotImplementedException();

    /// <summary>One forward pass over all tokens of the batch: appends to the caches and leaves the wanted logits in the batch.</summary>
    /// <exception cref="InvalidInputException">An id outside the vocabulary, or a sequence longer than the model's context.</exception>
    public void Forward(Batch batch, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>The sentence embedding of a text, L2-normalised [width] (BERT-type models: mean over all tokens).</summary>
    public float[] Embed(string text) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
