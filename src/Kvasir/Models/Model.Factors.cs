using Kvasir.Cache;
using Kvasir.Numerics;

namespace Kvasir.Models;

/// <content>What factors of keys are made from.</content>
public sealed partial class Model
{
    /// <summary>
    /// Adds the keys and queries of texts, each computed by itself from position 0 on with exact keys, to <paramref name="grams"/>.
    /// </summary>
    /// <param name="text">Token ids.</param>
    /// <param name="grams">Made for this model's layout.</param>
    /// <param name="cancellation">Stops between slices of 512 tokens.</param>
    internal void CollectGrams(ReadOnlySpan<int> text, KeyGrams grams, CancellationToken cancellation = default)
    {
        if (!_spec.Causal) throw new InvalidInputException($"{Path} is a sentence encoder ({Config.Architecture}): it keeps no keys");
        using KvCache cache = NewCache(new KvPolicy { Keys = "f32", Values = "f32" });
        using var batch = new Batch();
        batch.Add(cache, text, LogitRows.None);
        Check(batch);
        lock (_turn)
        {
            _transformer.Grams = grams;
            try
            {
                Run(batch, cancellation);
            }
            finally
            {
                _transformer.Grams = null;
            }
        }
    }

    /// <summary>W_K of one layer as it is multiplied, [kv heads * head size, width], with its bias.</summary>
    /// <exception cref="InvalidInputException">Keys are normalised behind it, so that it alone does not make them.</exception>
    internal (float[][] Rows, float[]? Bias) KeyWeights(int layer)
    {
        LayerWeights weights = _weights.Layers[layer];
        if (weights.KeyNorm is not null)
            throw new InvalidInputException(
                $"{Path}: layer {layer} normalises its keys: the weights alone do not make them; use another method than svd");
        WeightMatrix matrix = weights.Key.Matrix;
        return ([.. Enumerable.Range(0, matrix.Rows).Select(
            row => { float[] values = new float[matrix.Columns]; matrix.ReadRow(row, values); return values; })], weights.Key.Bias);
    }

    /// <summary>Knows factors from here on: their codecs, and the weights that were tuned with them.</summary>
    /// <exception cref="InvalidInputException">The tuned weights do not fit the model, or are damaged.</exception>
    internal void Know(KeyFactors factors, string path)
    {
        CacheLayout.Codecs.Add(factors);
        if (_transformer.Tuned.ContainsKey(factors.ShortIdentity)) return;
        if (TunedProjections.Read(path, factors.Method, _weights, _spec, Config.Width) is { } tuned)
            _transformer.Tuned.TryAdd(factors.ShortIdentity, tuned);
    }

    /// <summary>Whether a layer's keys are rotated, in a way that can be undone or not.</summary>
    internal bool RotatesKeys(int layer) => _spec.Layers[layer].Rotary is { } rotary && rotary.Short.Dimensions > 0;
}
