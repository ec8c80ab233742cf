using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Numerics;
using Kvasir.Quantization;
using Architecture = Kvasir.Models.Architecture;

namespace Kvasir.Training.Models;

/// <summary>A model's file as something that can be trained: its weights in float32, none of which train yet.</summary>
internal sealed record LlamaImport(LlamaShape Shape, LlamaParameters Parameters, Rotary Rotary)
{
    /// <exception cref="InvalidInputException">Not a model, or one that differs from llama's.</exception>
    public static LlamaImport Read(string path)
    {
        using ModelFile file = ModelFiles.Open(path);
        return Read(file);
    }

    /// <inheritdoc cref="Read(string)"/>
    public static LlamaImport Read(ModelFile file)
    {
        var metadata = new ModelMetadata(file);
        ModelConfig config = metadata.ReadConfig();
        TransformerSpec spec = Architecture.Find(file).Describe(metadata, config);
        if (Difference(file, spec) is { } difference)
            throw new InvalidInputException($"{file.Path}: cannot be trained here ({difference}); llama models without biases can");
        var shape = new LlamaShape
        {
            Vocabulary = config.Vocabulary,
            Width = config.Width,
            Layers = config.Layers,
            Heads = config.Heads,
            KvHeads = config.KvHeads,
            KeySize = config.HeadDim,
            ValueSize = config.ValueDim,
            FeedForward = config.FeedForward,
            Context = config.ContextLength,
            Epsilon = spec.NormEpsilon,
            RopeBase = metadata.Get("rope.freq_base", 10000d),
            Tied = !file.Tensors.ContainsKey("output.weight"),
        };
        LlamaParameters parameters = LlamaParameters.Named(shape, (name, rows, columns) => Read(file, name, rows, columns));
        return new LlamaImport(shape, parameters, spec.Layers[0].Rotary!.Short);
    }

    private static string? Difference(ModelFile file, TransformerSpec spec)
    {
        LayerSpec first = spec.Layers[0];
        bool sameRotation = spec.Layers.All(layer => layer.Rotary is { Long: null } rotary && rotary == first.Rotary);
        if (spec.Norm != NormKind.Rms || spec.NormPlace != NormPlace.Before || spec.Parallel) return "other norms";
        if (spec.Activation != Activation.Silu) return "another activation";
        if (!sameRotation) return "positions that are not rotated, or not alike in all layers";
        if (spec.Layers.Any(layer => !layer.SeesAll) || !spec.Causal) return "another attention";
        if (spec.AttentionSoftCap != 0 || spec.LogitSoftCap != 0) return "soft caps";
        if (spec.EmbeddingScale != 1 || spec.ResidualScale != 1 || spec.LogitScale != 1) return "scaled embeddings, blocks or logits";
        if (Math.Abs(spec.AttentionScale * MathF.Sqrt(first.KeySize) - 1) > 1e-5) return "another scale of attention";
        string? unknown = file.Tensors.Keys.FirstOrDefault(name => name.EndsWith(".bias", StringComparison.Ordinal)
            || name.Contains("_norm.weight", StringComparison.Ordinal) && name.Contains("attn_q", StringComparison.Ordinal)
            || name.Contains("attn_qkv", StringComparison.Ordinal));
        return unknown is null ? null : $"it has '{unknown}'";
    }

    private static Parameter Read(ModelFile file, string name, int rows, int columns)
    {
        Tensor tensor = file.RequireTensor(name);
        if (tensor.Columns != columns || tensor.Rows != Math.Max(rows, 1))
            throw new InvalidInputException($"{file.Path}: tensor '{name}' is [{tensor.Rows}, {tensor.Columns}], not [{rows}, {columns}]");
        var parameter = new Parameter(name, rows, columns);
        for (int row = 0; row < tensor.Rows; row++)
            GgmlBlocks.Dequantize(tensor.Type, tensor.RowBytes(row), parameter.Values.AsSpan(row * columns, columns));
        return parameter;
    }
}
