using System.Collections.Concurrent;
using System.Numerics.Tensors;
using Kvasir.Cache;
using Kvasir.Numerics;

namespace Kvasir.Models;

/// <summary>
/// The forward pass of every architecture, driven by a <see cref="TransformerSpec"/>. All workers run the same program and meet at
/// barriers: products are split by rows of the weights, everything else by tokens, attention by tiles and blocks.
/// </summary>
internal sealed unsafe partial class Transformer : IDisposable
{
    private readonly ModelConfig _config;
    private readonly TransformerSpec _spec;
    private readonly ModelWeights _weights;
    private readonly WorkerPool _workers;
    private readonly TransformerBuffers _buffers;
    private readonly AttentionKernels _attention;
    private readonly FeedForwardKernels _feedForward;
    private readonly AttentionPlan _plan;
    private readonly Action<int> _run;
    private readonly ForwardSlice _slice;
    private readonly LazyVerification _verification;
    private readonly int[] _rotaryOf;
    private float* _logits;
    private int _lastLayer;
    private bool _observes;
    private int _nextObserved;

    /// <summary>What is projected otherwise, by the short identity of the factors that a sequence is kept by.</summary>
    public ConcurrentDictionary<string, TunedProjections> Tuned { get; } = new(StringComparer.Ordinal);

    public Transformer(ModelConfig config, TransformerSpec spec, ModelWeights weights, int threads, KernelPath path,
        AttentionKernels attention, bool exact)
    {
        (_config, _spec, _weights) = (config, spec, weights);
        _slice = new ForwardSlice(spec.RunsSeeThemselves);
        _workers = new WorkerPool(threads);
        _buffers = new TransformerBuffers(config, spec, threads);
        _attention = attention;
        _feedForward = FeedForwardKernels.For(path);
        _verification = new LazyVerification(spec.Layers);
        _plan = new AttentionPlan(spec.Layers, threads, apart: exact);
        _rotaryOf = [.. spec.Layers.Select(layer => Array.IndexOf(_buffers.Rotaries, layer.Rotary))];
        _run = Run;
    }

    /// <summary>What takes in the keys and queries of the passes to come; null for nothing.</summary>
    public KeyGrams? Grams { get; set; }

    /// <summary>Threads that run it.</summary>
    public int Workers => _workers.Workers;

    /// <summary>
    /// Runs all tokens of a batch, slice by slice; keys and values go into the entries' steps, the logits lie in the batch. With
    /// <paramref name="keysOfLayer"/> the pass ends as soon as the keys and values of that layer are known.
    /// </summary>
    public void Forward(Batch batch, IReadOnlyList<KvCache.Step> steps, CancellationToken cancellation, int keysOfLayer = int.MaxValue)
    {
        _lastLayer = keysOfLayer;
        batch.PrepareLogits(_config.Vocabulary);
        int logitsDone = 0;
        _slice.Clear();
        for (int e = 0; e < batch.Entries.Count; e++)
            for (int done = 0; done < batch.Entries[e].Count;)
            {
                done += _slice.Take(batch, batch.Entries[e], steps[e], done);
                if (_slice.Rows < ForwardSlice.MaxRows && done == batch.Entries[e].Count) continue;
                logitsDone += RunSlice(batch, logitsDone, cancellation);
            }
        if (_slice.Rows > 0) RunSlice(batch, logitsDone, cancellation);
    }

    /// <summary>The final hidden states [rows, width] of the last slice, before any output projection.</summary>
    public ReadOnlySpan<float> Hidden(int row) => new(_buffers.ResidualRow(row), _config.Width);

    public void Dispose()
    {
        _workers.Dispose();
        _buffers.Dispose();
        _plan.Dispose();
    }

    private int RunSlice(Batch batch, int logitsDone, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        _logits = _slice.LogitCount > 0 && _weights.Output is not null ? batch.LogitRow(logitsDone) : null;
        _observes = false;
        foreach (SliceEntry entry in _slice.Entries) _observes |= entry.Observed is not null;
        _plan.Begin();
        _verification.Begin(_slice);
        _workers.Run(_run);
        _verification.End();
        foreach (SliceEntry entry in _slice.Entries) entry.Step.Advance(entry.Tokens);
        int logits = _slice.LogitCount;
        _slice.Clear();
        return logits;
    }

    private void Run(int worker)
    {
        (int firstRow, int endRow) = Share(worker, _slice.Rows, 1);
        for (int row = firstRow; row < endRow; row++) Embed(row);
        NormaliseInput(_weights.Layers[0].AttentionNorm, firstRow, endRow);
        _workers.Barrier(worker);
        for (int layer = 0; layer < _config.Layers; layer++)
        {
            (LayerSpec spec, LayerWeights weights) = (_spec.Layers[layer], _weights.Layers[layer]);
            ProjectQueryKeyValue(worker, layer, weights);
            (firstRow, endRow) = MeetForRows(worker);
            if (_verification.FoundDamage) return;
            for (int row = firstRow; row < endRow; row++) RotateAndAppend(layer, weights, row);
            _workers.Barrier(worker);
            if (Grams is { } grams) AddTo(grams, worker, layer);
            if (layer == _lastLayer) return;
            while (_plan.TryTake(out AttentionItem item)) Attend(worker, layer, item);
            (firstRow, endRow) = MeetForRows(worker);
            MergeParts(spec, firstRow, endRow);
            if (_observes)
            {
                _workers.Barrier(worker);
                Observe(worker, layer);
                (firstRow, endRow) = MeetForRows(worker);
            }
            if (!_verification.IsChecking) SealHeads(worker, layer);
            _buffers.Attention.Quantize(firstRow, endRow, 0, spec.Heads * spec.ValueSize);
            _workers.Barrier(worker);
            Project(worker, weights.Output, _buffers.Attention);
            (firstRow, endRow) = MeetForRows(worker);
            AddBlock(weights.AfterAttentionNorm, firstRow, endRow);
            if (!_spec.Parallel) NormaliseInput(weights.FeedForwardNorm, firstRow, endRow);
            _workers.Barrier(worker);
            FeedForward(worker, spec.FeedForward, weights);
            _workers.Barrier(worker);
            Project(worker, weights.Down, _buffers.Hidden);
            (firstRow, endRow) = MeetForRows(worker);
            AddBlock(weights.AfterFeedForwardNorm, firstRow, endRow);
            if (layer + 1 < _config.Layers) NormaliseInput(_weights.Layers[layer + 1].AttentionNorm, firstRow, endRow);
            _workers.Barrier(worker);
        }
        // Until all files are known to be sound nothing is encoded, so that a pass that finds damage leaves the floats as they were.
        for (int layer = 0; layer < _config.Layers && _verification.IsChecking; layer++) SealHeads(worker, layer);
        if (_logits != null) Logits(worker);
    }

    /// <summary>Waits for the others; then the rows of the slice that fall to this worker, which are more where it is left alone.</summary>
    private (int First, int End) MeetForRows(int worker)
    {
        _workers.Barrier(worker);
        return Share(worker, _slice.Rows, 1);
    }

    private void Embed(int row)
    {
        int width = _config.Width, position = _slice.Position(row);
        var x = new Span<float>(_buffers.ResidualRow(row), width);
        int id = _slice.Id(row);
        if (id < 0) _slice.EntryOf(row).Embeddings!.Row(id).CopyTo(x);
        else _weights.ReadEmbedding(id, x);
        if (id >= 0 && _spec.EmbeddingScale != 1) TensorPrimitives.Multiply(x, _spec.EmbeddingScale, x);
        if (_weights.Positions is { } positions) TensorPrimitives.Add(x, positions.AsSpan(position * width, width), x);
        if (_weights.TokenType is { } type) TensorPrimitives.Add(x, type, x);
        _weights.EmbeddingNorm?.Apply(x, x);
        for (int i = 0; i < _buffers.Rotaries.Length; i++)
        {
            Rotary rotary = RotaryFor(i, row);
            rotary.FillTable(position, new Span<float>(RotaryTable(i, row), rotary.TableLength));
        }
    }

    /// <summary>What the next block reads: the residual stream, normalised where the architecture does so before the block.</summary>
    private void NormaliseInput(NormWeights? norm, int firstRow, int endRow)
    {
        for (int row = firstRow; row < endRow; row++)
        {
            var x = new ReadOnlySpan<float>(_buffers.ResidualRow(row), _config.Width);
            var input = new Span<float>(_buffers.Input.Row(row), _config.Width);
            if (norm is null) x.CopyTo(input);
            else norm.Apply(x, input);
        }
        _buffers.Input.Quantize(firstRow, endRow, 0, _config.Width);
    }

    /// <summary>Gate and up of the same rows, the activation, and the int8 form of the result, without waiting in between.</summary>
    private void FeedForward(int worker, int hidden, LayerWeights weights)
    {
        WeightMatrix up = weights.Up.Matrix;
        (int first, int end) = Share(worker, hidden, Math.Max(up.RowGranularity, 32));
        if (first == end) return;
        float* gate = _buffers.Hidden.Row(0);
        long stride = Stride(_buffers.Hidden);
        Linear main = weights.Gate ?? weights.Up;
        Multiply(main, _buffers.Input, first, end, gate, stride, accumulate: false);
        if (weights.Gate is not null) Multiply(weights.Up, _buffers.Input, first, end, _buffers.Up, hidden, accumulate: false);
        for (int row = 0; row < _slice.Rows; row++)
            _feedForward.Gate(_spec.Activation, gate + row * stride + first, weights.Gate is null
                ? null : _buffers.Up + (long)row * hidden + first, end - first);
        _buffers.Hidden.Quantize(0, _slice.Rows, first, end);
    }

    /// <summary>A block's output is kept apart where it is normalised or scaled before it is added.</summary>
    private bool AddsApart => _spec.NormsOutput || _spec.ResidualScale != 1;

    /// <summary>A block's output: added to the residual stream at once, or kept apart.</summary>
    private void Project(int worker, Linear linear, Activations input) =>
        Multiply(worker, linear, input, AddsApart ? _buffers.Projected : _buffers.Residual, _config.Width, accumulate: !AddsApart);

    /// <summary>What follows a block's output.</summary>
    private void AddBlock(NormWeights? norm, int firstRow, int endRow)
    {
        for (int row = firstRow; row < endRow && (norm is not null || AddsApart); row++)
        {
            var x = new Span<float>(_buffers.ResidualRow(row), _config.Width);
            if (!AddsApart)
            {
                norm!.Apply(x, x);
                continue;
            }
            var projected = new Span<float>(_buffers.ProjectedRow(row), _config.Width);
            norm?.Apply(projected, projected);
            if (_spec.ResidualScale == 1) TensorPrimitives.Add(x, projected, x);
            else TensorPrimitives.MultiplyAdd(projected, _spec.ResidualScale, x, x);
        }
    }

    private void Logits(int worker)
    {
        (int first, int end) = Share(worker, _slice.LogitCount, 1);
        for (int n = first; n < end; n++)
        {
            var x = new ReadOnlySpan<float>(_buffers.ResidualRow(_slice.LogitRow(n)), _config.Width);
            _weights.FinalNorm!.Apply(x, new Span<float>(_buffers.Input.Row(n), _config.Width));
        }
        _buffers.Input.Quantize(first, end, 0, _config.Width);
        _workers.Barrier(worker);
        (first, end) = Share(worker, _config.Vocabulary, _weights.Output!.RowGranularity);
        if (first == end) return;
        _weights.Output.Multiply(_buffers.Input, 0, _slice.LogitCount, first, end, new(_logits, _config.Vocabulary), null,
            accumulate: false);
        if (_spec.LogitSoftCap == 0) return;
        for (int n = 0; n < _slice.LogitCount; n++)
            _feedForward.SoftCap(_logits + (long)n * _config.Vocabulary + first, end - first, _spec.LogitSoftCap);
    }

    private void Multiply(int worker, Linear linear, Activations input, float* output, long stride, bool accumulate)
    {
        (int first, int end) = Share(worker, linear.Matrix.Rows, linear.Matrix.RowGranularity);
        if (first < end) Multiply(linear, input, first, end, output, stride, accumulate);
    }

    private void Multiply(Linear linear, Activations input, int first, int end, float* output, long stride, bool accumulate)
    {
        fixed (float* bias = linear.Bias) linear.Matrix.Multiply(input, 0, _slice.Rows, first, end, new(output, stride), bias, accumulate);
    }

    /// <summary>A worker's share of <paramref name="count"/> things, cut at multiples of <paramref name="unit"/>.</summary>
    private (int First, int End) Share(int worker, int count, int unit)
    {
        int units = (count + unit - 1) / unit, workers = _workers.Running;
        return (Math.Min(units * worker / workers * unit, count), Math.Min(units * (worker + 1) / workers * unit, count));
    }

    private static long Stride(Activations activations) => activations.Row(1) - activations.Row(0);
}
