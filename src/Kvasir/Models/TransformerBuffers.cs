using Kvasir.Cache;
using Kvasir.Memory;
using Kvasir.Numerics;

namespace Kvasir.Models;

/// <summary>Working memory of a forward pass over one slice.</summary>
internal sealed unsafe class TransformerBuffers : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly ModelConfig _config;

    public TransformerBuffers(ModelConfig config, TransformerSpec spec, int workers)
    {
        const int rows = ForwardSlice.MaxRows;
        _config = config;
        int Widest(Func<LayerSpec, int> width) => spec.Layers.Max(width);
        (QueryWidth, KeyWidth) = (Widest(layer => layer.Heads * layer.KeySize), Widest(layer => layer.KvHeads * layer.KeySize));
        (ValueWidth, OutputWidth) = (Widest(layer => layer.KvHeads * layer.ValueSize), Widest(layer => layer.Heads * layer.ValueSize));
        int hidden = Widest(layer => layer.FeedForward), channels = Widest(layer => Math.Max(layer.KeySize, layer.ValueSize));
        Residual = Floats(rows, config.Width);
        Projected = Floats(rows, config.Width);
        Query = Floats(rows, QueryWidth);
        Key = Floats(rows, KeyWidth);
        Value = Floats(rows, ValueWidth);
        LogSums = Floats(rows, Widest(layer => layer.Heads));
        Up = Floats(rows, hidden);
        Input = Own(new Activations(rows, config.Width));
        Attention = Own(new Activations(rows, OutputWidth));
        Hidden = Own(new Activations(rows, hidden));
        Rotaries = [.. spec.Layers.Select(layer => layer.Rotary).OfType<RotaryChoice>().Distinct()];
        RotaryTables = [.. Rotaries.Select(rotary => (nint)Floats(rows, rotary.Short.TableLength))];
        Scratch = [.. Enumerable.Range(0, workers).Select(_ => Own(new AttentionScratch(channels)))];
        Tile = [.. Enumerable.Range(0, workers).Select(_ => (nint)Floats(AttentionScratch.MaxRows, channels + 2))];
    }

    /// <summary>Floats of a row of queries, of the widest layer.</summary>
    public int QueryWidth { get; }

    public int KeyWidth { get; }

    public int ValueWidth { get; }

    /// <summary>Floats of a row of what the heads give.</summary>
    public int OutputWidth { get; }

    /// <summary>The rotary embeddings that layers choose from.</summary>
    public RotaryChoice[] Rotaries { get; }

    /// <summary>The residual stream [rows, width].</summary>
    public float* Residual { get; }

    /// <summary>A block's output before it is normalised and added [rows, width].</summary>
    public float* Projected { get; }

    public float* Query { get; }

    public float* Key { get; }

    public float* Value { get; }

    /// <summary>Logarithms of the sums of the softmax, [rows, query heads], of sequences whose attention is observed.</summary>
    public float* LogSums { get; }

    /// <summary>[rows, feed-forward].</summary>
    public float* Up { get; }

    /// <summary>What a block reads: the residual stream, normalised.</summary>
    public Activations Input { get; }

    /// <summary>What the heads give [rows, heads * size].</summary>
    public Activations Attention { get; }

    /// <summary>The feed-forward layer's inside, gated.</summary>
    public Activations Hidden { get; }

    /// <summary>Rotary tables [rows, table] by rotary embedding.</summary>
    public nint[] RotaryTables { get; }

    public AttentionScratch[] Scratch { get; }

    /// <summary>By worker: output rows of a tile, then maxima and sums.</summary>
    public nint[] Tile { get; }

    public float* ResidualRow(int row) => Residual + (long)row * _config.Width;

    public float* ProjectedRow(int row) => Projected + (long)row * _config.Width;

    public void Dispose()
    {
        foreach (IDisposable owned in _owned) owned.Dispose();
    }

    private float* Floats(int rows, int columns) => (float*)Own(new NativeBuffer((long)rows * columns * sizeof(float))).Pointer;

    private T Own<T>(T owned) where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
