using System.Numerics.Tensors;
using Kvasir.Memory;
using Kvasir.Models;
using Kvasir.Numerics;

namespace Kvasir.Vision.Towers;

/// <summary>
/// A vision transformer of CLIP's and SigLIP's kind (Radford et al. 2021, Zhai et al. 2023): patches by a convolution as long as they are,
/// learned positions, pre-norm blocks in which every patch sees all. A class token, a norm before and one behind are used where the file
/// has them.
/// </summary>
internal sealed unsafe class Tower
{
    private const int Colours = 3;

    private readonly TowerSpec _spec;
    private readonly TowerKernels _kernels;
    private readonly Linear _patches;
    private readonly float[]? _class;
    private readonly float[] _positions;
    private readonly NormWeights? _before, _behind;
    private readonly TowerBlock[] _blocks;

    /// <exception cref="InvalidInputException">A tensor is missing or of another shape than the metadata say.</exception>
    public Tower(TowerSpec spec, TowerTensors tensors, TowerKernels kernels)
    {
        (_spec, _kernels) = (spec, kernels);
        _patches = tensors.Linear("v.patch_embd", spec.Width, Colours * spec.PatchSize * spec.PatchSize);
        _class = tensors.Has("v.class_embd") ? tensors.Floats("v.class_embd", 1, spec.Width) : null;
        _positions = tensors.Floats("v.position_embd.weight", First + spec.Patches, spec.Width);
        _before = tensors.Norm("v.pre_ln", spec.Width, spec.Epsilon);
        _behind = spec.NormsBehind ? tensors.RequiredNorm("v.post_ln", spec.Width, spec.Epsilon) : null;
        _blocks = [.. Enumerable.Range(0, spec.Blocks).Select(block => TowerBlock.Read(tensors, spec, block))];
    }

    /// <summary>Rows before those of the patches.</summary>
    private int First => _class is null ? 0 : 1;

    /// <summary>The features of a picture's patches, row by row from the top left, [patches, width].</summary>
    /// <param name="pixels">Normalised colours [3, size, size].</param>
    public float[] Features(ReadOnlySpan<float> pixels)
    {
        int tokens = First + _spec.Patches, width = _spec.Width;
        using var residual = new NativeBuffer((long)tokens * width * sizeof(float));
        using var projected = new NativeBuffer(3L * tokens * width * sizeof(float));
        using var input = new Activations(tokens, width);
        using var attended = new Activations(tokens, width);
        using var hidden = new Activations(tokens, _spec.FeedForward);
        using var attention = new TowerAttention(_kernels, tokens, _spec.Heads, width / _spec.Heads);
        float* x = (float*)residual.Pointer, query = (float*)projected.Pointer, key = query + (long)tokens * width,
            value = key + (long)tokens * width;
        Embed(pixels, x);
        foreach (TowerBlock block in _blocks)
        {
            Normalise(block.AttentionNorm, x, input);
            _kernels.Multiply(block.Query, input, query, width);
            _kernels.Multiply(block.Key, input, key, width);
            _kernels.Multiply(block.Value, input, value, width);
            attention.Attend(query, key, value, attended.Row(0), attended.FloatStride);
            _kernels.Multiply(block.Output, attended, x, width, accumulate: true);
            Normalise(block.FeedForwardNorm, x, input);
            _kernels.Multiply(block.Up, input, hidden.Row(0), hidden.FloatStride);
            _kernels.Apply(_spec.Activation, hidden);
            _kernels.Multiply(block.Down, hidden, x, width, accumulate: true);
        }
        float[] features = new ReadOnlySpan<float>(x + (long)First * width, _spec.Patches * width).ToArray();
        for (int row = 0; row < _spec.Patches && _behind is not null; row++)
            _behind.Apply(features.AsSpan(row * width, width), features.AsSpan(row * width, width));
        return features;
    }

    /// <summary>Patches, the class token before them, positions, and the first norm.</summary>
    private void Embed(ReadOnlySpan<float> pixels, float* x)
    {
        int width = _spec.Width, side = _spec.Side, size = _spec.PatchSize;
        using var patches = new Activations(_spec.Patches, Colours * size * size);
        for (int patch = 0; patch < _spec.Patches; patch++)
            for (int line = 0; line < Colours * size; line++)
            {
                (int colour, int row) = (line / size, patch / side * size + line % size);
                pixels.Slice((colour * _spec.ImageSize + row) * _spec.ImageSize + patch % side * size, size)
                    .CopyTo(new Span<float>(patches.Row(patch) + line * size, size));
            }
        _kernels.Multiply(_patches, patches, x + (long)First * width, width);
        _class?.CopyTo(new Span<float>(x, width));
        for (int row = 0; row < First + _spec.Patches; row++)
        {
            var state = new Span<float>(x + (long)row * width, width);
            TensorPrimitives.Add(state, _positions.AsSpan(row * width, width), state);
            _before?.Apply(state, state);
        }
    }

    private void Normalise(NormWeights norm, float* x, Activations input) => _kernels.Split(input.Tokens, 1, (first, end) =>
    {
        for (int row = first; row < end; row++)
            norm.Apply(new ReadOnlySpan<float>(x + (long)row * _spec.Width, _spec.Width), new Span<float>(input.Row(row), _spec.Width));
    });
}
