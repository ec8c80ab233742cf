using System.Collections.Concurrent;
using Kvasir.Formats;
using Kvasir.Memory;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Models;

/// <summary>
/// All weights of a model, packed for products; an embedding that is not the output too is read row by row from the file.
/// </summary>
internal sealed class ModelWeights : IDisposable
{
    private readonly ModelFile _file;
    private readonly ModelConfig _config;
    private readonly TransformerSpec _spec;
    private readonly bool _float32;
    private readonly KernelPath _path;
    private readonly int _threads;
    private readonly NativeArena _arena = new();
    private readonly Tensor _embedding;
    private readonly ConcurrentDictionary<string, bool> _used = new(StringComparer.Ordinal);

    public ModelWeights(ModelFile file, ModelConfig config, TransformerSpec spec, bool float32, KernelPath path, int threads)
    {
        (_file, _config, _spec, _float32, _path, _threads) = (file, config, spec, float32, path, threads);
        _embedding = Checked("token_embd.weight", config.Vocabulary, config.Width);
        Positions = Optional("position_embd.weight") is { } positions
            ? Floats(positions, config.Width, atLeastRows: config.ContextLength) : null;
        TokenType = Optional("token_types.weight") is { } types ? Floats(types, config.Width, atLeastRows: 1)[..config.Width] : null;
        EmbeddingNorm = Norm("token_embd_norm", required: spec.NormPlace == NormPlace.Sum);
        FinalNorm = Norm("output_norm", required: spec.NormPlace != NormPlace.Sum)?.Scaled(spec.LogitScale); // logits are linear in it
        Layers = new LayerWeights[config.Layers];
        try
        {
            Parallel.For(0, config.Layers + 1, new ParallelOptions { MaxDegreeOfParallelism = threads }, part =>
            {
                if (part > 0) Layers[part - 1] = ReadLayer($"blk.{part - 1}.", spec.Layers[part - 1]);
                else if (spec.Causal) Output = Matrix(IsTied ? _embedding.Name : "output.weight", config.Vocabulary, config.Width);
            });
        }
        catch (AggregateException error)
        {
            Dispose();
            throw error.InnerExceptions[0];
        }
        RefuseUnused();
        foreach (Tensor tensor in file.Tensors.Values) file.Release(tensor); // reading one page maps its neighbours too
    }

    /// <summary>Learned positions [context, width], or null.</summary>
    public float[]? Positions { get; }

    /// <summary>The embedding of token type 0 (BERT), or null.</summary>
    public float[]? TokenType { get; }

    public NormWeights? EmbeddingNorm { get; }

    public LayerWeights[] Layers { get; }

    public NormWeights? FinalNorm { get; }

    /// <summary>[vocabulary, width]; null for encoders.</summary>
    public WeightMatrix? Output { get; private set; }

    private bool IsTied => !_file.Tensors.ContainsKey("output.weight");

    public long Bytes => Layers.Sum(layer => layer.Matrices.Sum(matrix => matrix.Bytes)) + (Output?.Bytes ?? 0);

    /// <summary>
    /// The embedding of a token. Where the output is tied to it, the packed matrix serves both and the file's pages stay untouched.
    /// </summary>
    public void ReadEmbedding(int id, Span<float> destination)
    {
        if (IsTied && Output is not null) Output.ReadRow(id, destination);
        else GgmlBlocks.Dequantize(_embedding.Type, _embedding.RowBytes(id), destination);
    }

    /// <summary>Another matrix, packed as this model's are, in memory of its own.</summary>
    public WeightMatrix Pack(Tensor tensor) => WeightMatrix.Pack(tensor, _float32, _path, _threads);

    public void Dispose() => _arena.Dispose();

    private LayerWeights ReadLayer(string prefix, LayerSpec layer)
    {
        int width = _config.Width, hidden = layer.FeedForward;
        (Linear query, Linear key, Linear value) = ReadQueryKeyValue(prefix, layer);
        (Linear? gate, Linear up) = ReadGateUp(prefix, hidden);
        bool sums = _spec.NormPlace == NormPlace.Sum, before = _spec.NormPlace is NormPlace.Before or NormPlace.BeforeAndAfter;
        NormWeights? After(string name) => sums || _spec.NormsOutput ? Norm(prefix + name, required: true) : null;
        return new LayerWeights
        {
            AttentionNorm = before ? Norm(prefix + "attn_norm", required: true) : null,
            Query = query,
            Key = key,
            Value = value,
            QueryNorm = HeadNorm(prefix + "attn_q_norm", layer.Heads, layer),
            KeyNorm = HeadNorm(prefix + "attn_k_norm", layer.KvHeads, layer),
            Output = Linear(prefix + "attn_output", width, layer.Heads * layer.ValueSize),
            AfterAttentionNorm = After(sums ? "attn_output_norm" : "post_attention_norm"),
            FeedForwardNorm = before && !_spec.Parallel ? Norm(prefix + "ffn_norm", required: true) : null,
            Gate = gate,
            Up = up,
            Down = Linear(prefix + "ffn_down", width, hidden),
            AfterFeedForwardNorm = After(sums ? "layer_output_norm" : "post_ffw_norm"),
        };
    }

    private (Linear Query, Linear Key, Linear Value) ReadQueryKeyValue(string prefix, LayerSpec layer)
    {
        int queries = layer.Heads * layer.KeySize, keys = layer.KvHeads * layer.KeySize, values = layer.KvHeads * layer.ValueSize;
        if (!_file.Tensors.ContainsKey(prefix + "attn_qkv.weight"))
            return (Linear(prefix + "attn_q", queries, _config.Width), Linear(prefix + "attn_k", keys, _config.Width),
                Linear(prefix + "attn_v", values, _config.Width));
        Linear Part(int first, int rows) => Linear(prefix + "attn_qkv", queries + keys + values, _config.Width, first, rows);
        return (Part(0, queries), Part(queries, keys), Part(queries + keys, values));
    }

    /// <summary>Separate tensors, gate and up fused in one of twice the rows (Phi-3), or no gate.</summary>
    private (Linear? Gate, Linear Up) ReadGateUp(string prefix, int hidden)
    {
        if (_file.Tensors.ContainsKey(prefix + "ffn_gate.weight"))
            return (Linear(prefix + "ffn_gate", hidden, _config.Width), Linear(prefix + "ffn_up", hidden, _config.Width));
        if (_file.RequireTensor(prefix + "ffn_up.weight").Rows != 2 * hidden)
            return (null, Linear(prefix + "ffn_up", hidden, _config.Width));
        return (Linear(prefix + "ffn_up", 2 * hidden, _config.Width, 0, hidden),
            Linear(prefix + "ffn_up", 2 * hidden, _config.Width, hidden, hidden));
    }

    private Linear Linear(string name, int rows, int columns) => Linear(name, rows, columns, 0, rows);

    private Linear Linear(string name, int allRows, int columns, int firstRow, int rows)
    {
        float[]? bias = Optional(name + ".bias") is { } tensor ? Floats(tensor, allRows)[firstRow..(firstRow + rows)] : null;
        return new Linear(Matrix(name + ".weight", allRows, columns, firstRow, rows), bias);
    }

    private WeightMatrix Matrix(string name, int rows, int columns) => Matrix(name, rows, columns, 0, rows);

    private WeightMatrix Matrix(string name, int allRows, int columns, int firstRow, int rows)
    {
        Tensor tensor = Checked(name, allRows, columns);
        if (rows != allRows) tensor = tensor.Slice($"{name}[{firstRow}..{firstRow + rows}]", firstRow, rows);
        WeightMatrix matrix = WeightMatrix.Pack(tensor, _float32, _path, _threads, _arena);
        _file.Release(tensor);
        return matrix;
    }

    private NormWeights? Norm(string name, bool required = false, int length = 0)
    {
        if (Optional(name + ".weight") is not { } tensor)
            return required ? throw new InvalidInputException($"{_file.Path}: tensor '{name}.weight' is missing") : null;
        length = length > 0 ? length : _config.Width;
        float[]? bias = Optional(name + ".bias") is { } biasTensor
            ? Floats(biasTensor, length) : _spec.Norm == NormKind.Layer ? new float[length] : null;
        return new NormWeights(_spec.Norm, Floats(tensor, length), bias, _spec.NormEpsilon);
    }

    /// <summary>Of every head by itself, or of all heads together where the tensor is as long.</summary>
    private NormWeights? HeadNorm(string name, int heads, LayerSpec layer) =>
        Norm(name, length: Optional(name + ".weight")?.Shape is [var length] && length == heads * layer.KeySize
            ? heads * layer.KeySize : layer.KeySize);

    private Tensor? Optional(string name)
    {
        _used[name] = true;
        return _file.Tensors.GetValueOrDefault(name);
    }

    /// <summary>A layer's tensor that nothing reads would change what the layer computes.</summary>
    private void RefuseUnused()
    {
        for (int layer = 0; layer < _config.Layers; layer++)
            if (_file.Tensors.Keys.FirstOrDefault(name =>
                name.StartsWith($"blk.{layer}.", StringComparison.Ordinal) && !_used.ContainsKey(name)) is { } unused)
                throw DamagedFile.Error(_file.Path,
                    $"tensor '{unused}' is not part of a {_config.Architecture} model as known here, so the model would be computed "
                    + "wrongly");
    }

    private Tensor Checked(string name, int rows, int columns)
    {
        Tensor tensor = Optional(name) ?? _file.RequireTensor(name);
        if (tensor.Rows != rows || tensor.Columns != columns)
            throw new InvalidInputException(
                $"{_file.Path}: tensor '{name}' is [{tensor.Rows}, {tensor.Columns}] where the metadata ask for [{rows}, {columns}]");
        return tensor;
    }

    private float[] Floats(Tensor tensor, int columns, int atLeastRows = 0)
    {
        if (tensor.Columns != columns || (atLeastRows == 0 && tensor.Rows != 1) || tensor.Rows < atLeastRows)
            throw new InvalidInputException($"{_file.Path}: tensor '{tensor.Name}' must be [{Math.Max(atLeastRows, 1)}, {columns}]");
        float[] values = new float[tensor.Rows * columns];
        for (int r = 0; r < tensor.Rows; r++) GgmlBlocks.Dequantize(tensor.Type, tensor.RowBytes(r), values.AsSpan(r * columns, columns));
        return values;
    }
}
