using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;
using MathNet.Numerics.LinearAlgebra;

namespace Kvasir.Factoring;

/// <summary>
/// Makes the factors of a model's keys without training: decomposes each kv head by what a calibration text shows, divides the ranks, and
/// cuts.
/// </summary>
internal sealed class KeyFactoring
{
    private const int Windows = 16, WindowTokens = 640, LeastTokens = 64;
    private const double TextShare = 0.3, PassShare = 0.9;

    private readonly Model _model;
    private readonly FactoringOptions _options;
    private readonly FactoringMethod _method;
    private readonly IProgress<double>? _progress;
    private readonly CancellationToken _cancellation;

    /// <param name="model">The model.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="InvalidInputException">The rank or the method does not fit the model.</exception>
    public KeyFactoring(Model model, FactoringOptions options, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        (_model, _options, _progress, _cancellation) = (model, options, progress, cancellation);
        _method = options.Method ?? Best();
        _ = options.Thin.TotalRank(model.CacheLayout);
        foreach ((int l, LayerLayout layer) in model.CacheLayout.Layers.Index())
            if (Obstacle(_method, l, layer) is string obstacle) throw new InvalidInputException($"{model.Path}: {obstacle}");
    }

    /// <summary>
    /// The factors by <paramref name="text"/>; by texts that the model writes itself where that is null. The weights alone need neither.
    /// </summary>
    /// <exception cref="InvalidInputException">The text is too short.</exception>
    public KeyFactors Run(string? text)
    {
        KeyGrams? grams = _method == FactoringMethod.Svd ? null : Collect(text);
        HeadDecomposition[][] heads = [.. _model.CacheLayout.Layers.Select((layer, l) => Decompose(l, layer, grams))];
        int[] ranks = Ranks(heads);
        int next = 0;
        return new KeyFactors(
            _model.Identity, Name(_method),
            [.. heads.Select(layer => (IReadOnlyList<HeadFactors>)[.. layer.Select(head => head.Truncated(ranks[next++]))])]);
    }

    /// <summary>A method's name in files and on the command line.</summary>
    public static string Name(FactoringMethod method) => method switch
    {
        FactoringMethod.PreRope => "prerope",
        FactoringMethod.KqSvd => "kqsvd",
        FactoringMethod.KqSvdCentred => "kqsvd-centred",
        _ => "svd",
    };

    private FactoringMethod Best() => new[] { FactoringMethod.PreRope, FactoringMethod.Svd, FactoringMethod.KqSvd }
        .First(method => _model.CacheLayout.Layers.Index().All(layer => Obstacle(method, layer.Index, layer.Item) is null));

    /// <summary>Why a method does not fit a layer, or null.</summary>
    private string? Obstacle(FactoringMethod method, int layer, LayerLayout shape)
    {
        bool rotates = _model.RotatesKeys(layer);
        return method switch
        {
            FactoringMethod.PreRope when !rotates =>
                $"layer {layer} does not rotate its keys; use the method kqsvd, or svd where no layer does",
            FactoringMethod.PreRope or FactoringMethod.Svd when rotates && (shape.Rotary is null || shape.KeyChannels % 2 != 0) =>
                $"the rotation of layer {layer} cannot be undone (it depends on the length of the text); use the method kqsvd",
            FactoringMethod.Svd when rotates != _model.RotatesKeys(0) =>
                $"layers 0 and {layer} differ in whether they rotate their keys; use the method kqsvd",
            _ => null,
        };
    }

    private KeyGrams Collect(string? text)
    {
        int tokens = Math.Min(WindowTokens, _model.Config.ContextLength);
        int[][] windows = text is null ? CalibrationText.Write(_model, Windows, tokens, cancellation: _cancellation) : Cut(text, tokens);
        _progress?.Report(TextShare);
        var grams = new KeyGrams(_model.CacheLayout);
        foreach ((int w, int[] window) in windows.Index())
        {
            _model.CollectGrams(window, grams, _cancellation);
            _progress?.Report(TextShare + (PassShare - TextShare) * (w + 1) / windows.Length);
        }
        return grams;
    }

    /// <summary>Windows that lie evenly over a text.</summary>
    private int[][] Cut(string text, int tokens)
    {
        int[] ids = _model.Tokenizer.Encode(text, parseSpecial: false);
        if (ids.Length < LeastTokens)
            throw new InvalidInputException(
                $"the calibration text has {ids.Length} tokens; give at least {LeastTokens}, better {Windows * tokens}");
        int length = Math.Min(tokens, ids.Length), count = Math.Min(Windows, ids.Length / length);
        return [.. Enumerable.Range(0, count).Select(
            i => ids.AsSpan((int)((long)(ids.Length - length) * i / Math.Max(count - 1, 1)), length).ToArray())];
    }

    private HeadDecomposition[] Decompose(int l, LayerLayout layer, KeyGrams? grams)
    {
        _cancellation.ThrowIfCancellationRequested();
        if (grams is null)
        {
            (float[][] rows, float[]? bias) = _model.KeyWeights(l);
            int size = layer.KeyChannels;
            return [.. Enumerable.Range(0, layer.KvHeads).Select(h => WeightFactors.Of(
                Matrix<double>.Build.DenseOfRows(rows.Skip(h * size).Take(size).Select(row => row.Select(x => (double)x))),
                    [.. (bias ?? []).Skip(h * size).Take(size)], _model.RotatesKeys(l)))];
        }
        return [.. Enumerable.Range(0, layer.KvHeads).Select(h => Decompose(grams[l, h], layer))];
    }

    private HeadDecomposition Decompose(HeadMoments moments, LayerLayout layer)
    {
        Matrix<double> Mean(double[,] sum, long count) => Matrix<double>.Build.DenseOfArray(sum) / count;
        Matrix<double> queries = Mean(moments.Queries, moments.QueryRows);
        if (_method == FactoringMethod.PreRope)
            return PreRotationFactors.Of(
                queries, Mean(moments.KeysBeforeRotation, moments.Tokens), RotatedChannels.Of(layer),
                Math.Min(WindowTokens, _model.Config.ContextLength));
        return ScoreFactors.Of(
            queries, Mean(moments.Keys, moments.Tokens), _method == FactoringMethod.KqSvd ? []
            : [.. moments.KeySum.Select(sum => sum / moments.Tokens)]);
    }

    private int[] Ranks(HeadDecomposition[][] heads)
    {
        ThinKeys thin = _options.Thin;
        return _options.PerHead
            ? RankAllocation.Solve(
                [.. heads.SelectMany(layer => layer).Select(head => head.Weights)], thin.TotalRank(_model.CacheLayout),
                FactoringOptions.LeastRank)
            : [.. _model.CacheLayout.Layers.SelectMany(layer => Enumerable.Repeat(thin.RankOf(layer.KeyChannels), layer.KvHeads))];
    }
}
