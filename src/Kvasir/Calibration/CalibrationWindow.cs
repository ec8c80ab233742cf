using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Calibration;

/// <summary>
/// A piece of calibration text: its first part lies in an exact cache, and the model's predictions for the rest are known. What
/// encoding a head anew does to these predictions is its damage.
/// </summary>
internal sealed class CalibrationWindow : IDisposable
{
    private const int PrefillTokens = 512;

    private readonly Model _model;
    private readonly Batch _batch = new();
    private readonly KvCache _exact;
    private readonly int[] _scored;
    private readonly LogitDivergence _divergence;

    /// <param name="model">The model.</param>
    /// <param name="ids">The text.</param>
    /// <param name="scored">How many tokens at its end are scored.</param>
    /// <param name="cancellation">Ends the work between two slices.</param>
    public CalibrationWindow(Model model, ReadOnlySpan<int> ids, int scored, CancellationToken cancellation)
    {
        _model = model;
        _scored = ids[^scored..].ToArray();
        _exact = model.NewCache(new KvPolicy { Sink = KvBlock.Tokens, Residual = KvBlock.Tokens });
        ReadOnlySpan<int> prefix = ids[..^scored];
        for (int done = 0; done < prefix.Length; done += PrefillTokens)
        {
            _batch.Clear();
            _batch.Add(_exact, prefix[done..Math.Min(done + PrefillTokens, prefix.Length)], LogitRows.None);
            model.Forward(_batch, cancellation);
        }
        using KvCache fork = _exact.Fork();
        Score([fork], cancellation);
        _divergence = new LogitDivergence(Enumerable.Range(0, scored).Select(row => _batch.Logits(row).ToArray()));
    }

    /// <summary>Mean divergence, in nats, of the predictions where single heads are encoded anew, one head for each variant.</summary>
    public double[] Damage(IReadOnlyList<HeadVariant> variants, CancellationToken cancellation)
    {
        KvCache[] forks = [.. variants.Select(variant => _exact.ForkWith(variant.Layer, variant.Head, Codec(variant)))];
        try
        {
            Score(forks, cancellation);
        }
        finally
        {
            foreach (KvCache fork in forks) fork.Dispose();
        }
        double[] rows = new double[_batch.LogitRowCount];
        Parallel.For(0, rows.Length, row => rows[row] = _divergence.At(row % _scored.Length, _batch.Logits(row)));
        return [.. rows.Chunk(_scored.Length).Select(ofVariant => ofVariant.Average())];
    }

    /// <summary>Squared errors that codecs bring into the keys and into the values of one head.</summary>
    public (double Keys, double Values) Noise(HeadVariant variant) =>
        EncodingNoise.Of(_exact.Layers[variant.Layer].Heads[variant.Head], _model.CacheLayout.Layers[variant.Layer], Codec(variant));

    public void Dispose()
    {
        _exact.Dispose();
        _batch.Dispose();
    }

    private void Score(IReadOnlyList<KvCache> caches, CancellationToken cancellation)
    {
        _batch.Clear();
        foreach (KvCache cache in caches) _batch.Add(cache, _scored, LogitRows.All);
        _model.Forward(_batch, cancellation);
    }

    private HeadCodec Codec(HeadVariant variant)
    {
        KvLayout layout = _model.CacheLayout;
        LayerLayout shape = layout.Layers[variant.Layer];
        BlockCodec exact = layout.Codecs.Block(shape, CandidateCodecs.Exact, CandidateCodecs.Exact);
        return new HeadCodec(exact, layout.Codecs.Block(shape, variant.Keys, variant.Values), KvBlock.Tokens, KvBlock.Tokens);
    }
}

/// <summary>One head's codecs, where all other heads are exact.</summary>
internal readonly record struct HeadVariant(int Layer, int Head, string Keys, string Values);
