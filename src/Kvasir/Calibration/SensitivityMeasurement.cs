using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;

namespace Kvasir.Calibration;

/// <summary>
/// Measures a sensitivity profile: on each of several short windows of text every head's keys, and every head's values, are encoded in 2
/// bits while all else is exact. How a window reads differs far more than how the codecs rank, so the time goes into many windows, and the
/// damage of finer codecs is derived: it falls with the power of their noise, which is measured, to the 1.2 (on SmolLM2-135M that orders
/// heads as well as measuring each codec).
/// </summary>
internal sealed class SensitivityMeasurement
{
    private const int Windows = 12, Prefix = 512, Scored = 16, PassTokens = 512;
    private const double DamageByNoise = 1.2, TextShare = 0.2;
    private const long PassLogitBytes = 128 << 20;

    /// <summary>Sink, one encoded block, tail.</summary>
    private const int LeastPrefix = 3 * KvBlock.Tokens;

    private readonly Model _model;
    private readonly int _scaleBits;
    private readonly IReadOnlyList<string> _keys;
    private readonly IReadOnlyList<string> _values;
    private readonly int _prefix;
    private readonly IProgress<double>? _progress;
    private readonly CancellationToken _cancellation;

    /// <param name="model">The model, computing in float32: the rounding of int8 does more than most heads do.</param>
    /// <param name="scaleBits">Bits of scale and minimum.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Ends the work.</param>
    public SensitivityMeasurement(Model model, int scaleBits, IProgress<double>? progress, CancellationToken cancellation)
    {
        (_model, _scaleBits, _progress, _cancellation) = (model, scaleBits, progress, cancellation);
        _keys = [.. CandidateCodecs.Keys(scaleBits).Select(format => format.ToString())];
        _values = [.. CandidateCodecs.Values(scaleBits).Select(format => format.ToString())];
        _prefix = Math.Min(Prefix, (model.Config.ContextLength - Scored) / KvBlock.Tokens * KvBlock.Tokens);
        if (_prefix < LeastPrefix)
            throw new InvalidInputException(
                $"{model.Path}: a context of {model.Config.ContextLength} tokens is too short to measure what auto chooses by; give k and "
                + "v instead (as in k=kivi4,v=kivi4)");
    }

    /// <summary>Measures on <paramref name="text"/>; null for texts that the model writes itself.</summary>
    public SensitivityProfile Run(string? text)
    {
        int[][] windows = text is null ? CalibrationText.Write(_model, Windows, _prefix + Scored, cancellation: _cancellation) : Cut(text);
        var heads = new HeadTotals[_model.CacheLayout.Layers.Count][];
        for (int l = 0; l < heads.Length; l++)
            heads[l] = [.. Enumerable.Range(0, _model.CacheLayout.Layers[l].KvHeads)
                .Select(_ => new HeadTotals(_keys.Count, _values.Count))];
        _progress?.Report(TextShare);
        for (int w = 0; w < windows.Length; w++) Add(windows[w], heads, w, windows.Length);
        return new SensitivityProfile
        {
            Model = _model.Identity,
            Calibration =
                $"{windows.Length} windows of {_prefix + Scored} tokens of "
                    + $"{(text is null ? "text by the model itself" : "a given text")}, the last {Scored} scored",
            ScaleBits = _scaleBits,
            Keys = _keys,
            Values = _values,
            Layers = [.. heads.Select(layer => (IReadOnlyList<HeadSensitivity>)[.. layer.Select(head => head.Mean(windows.Length))])],
        };
    }

    /// <summary>Adds one window's damages and noise to the totals.</summary>
    private void Add(int[] ids, HeadTotals[][] heads, int window, int windows)
    {
        using var exact = new CalibrationWindow(_model, ids, Scored, _cancellation);
        HeadVariant[] variants =
            [.. heads.SelectMany((layer, l) =>
                layer.SelectMany((_, h) =>
                new HeadVariant[] { new(l, h, _keys[0], CandidateCodecs.Exact), new(l, h, CandidateCodecs.Exact, _values[0]) }))];
        int atOnce = (int)Math.Max(Math.Min(PassTokens, PassLogitBytes / sizeof(float) / _model.Config.Vocabulary) / Scored, 1), done = 0;
        foreach (HeadVariant[] pass in variants.Chunk(atOnce))
        {
            foreach ((HeadVariant variant, double damage) in pass.Zip(exact.Damage(pass, _cancellation)))
            {
                HeadTotals head = heads[variant.Layer][variant.Head];
                if (variant.Values == CandidateCodecs.Exact) head.KeyDamage += damage;
                else head.ValueDamage += damage;
            }
            done += pass.Length;
            _progress?.Report(TextShare + (1 - TextShare) * (window + (double)done / variants.Length) / windows);
        }
        for (int l = 0; l < heads.Length; l++)
            for (int h = 0; h < heads[l].Length; h++)
            {
                for (int k = 0; k < _keys.Count; k++)
                    heads[l][h].KeyNoise[k] += exact.Noise(new HeadVariant(l, h, _keys[k], CandidateCodecs.Exact)).Keys;
                for (int v = 0; v < _values.Count; v++)
                    heads[l][h].ValueNoise[v] += exact.Noise(new HeadVariant(l, h, CandidateCodecs.Exact, _values[v])).Values;
            }
    }

    /// <summary>Windows that lie evenly over a text.</summary>
    private int[][] Cut(string text)
    {
        int[] ids = _model.Tokenizer.Encode(text, parseSpecial: false);
        int length = _prefix + Scored, count = Math.Min(Windows, ids.Length / length);
        if (count == 0)
            throw new InvalidInputException(
                $"the calibration text has {ids.Length} tokens; give at least {length}, better {Windows * length}");
        return [.. Enumerable.Range(0, count)
            .Select(i => ids.AsSpan((int)((long)(ids.Length - length) * i / Math.Max(count - 1, 1)), length).ToArray())];
    }

    /// <summary>What one head does, summed over windows.</summary>
    private sealed class HeadTotals(int keys, int values)
    {
        public double KeyDamage { get; set; }

        public double ValueDamage { get; set; }

        public double[] KeyNoise { get; } = new double[keys];

        public double[] ValueNoise { get; } = new double[values];

        public HeadSensitivity Mean(int windows) => new(Derive(KeyDamage / windows, KeyNoise), Derive(ValueDamage / windows, ValueNoise));

        private static double[] Derive(double measured, double[] noise) =>
            [.. noise.Select(power => measured * Math.Pow(power / noise[0], DamageByNoise))
                .Select(damage => double.IsNaN(damage) ? measured : Math.Min(damage, LogitDivergence.Largest))];
    }
}
