using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Numerics;

namespace Kvasir.Vision.Towers;

/// <summary>
/// From the tower's features to rows that the language model reads. LLaVA's is two matrices with GELU between them, in its tanh form as
/// llama.cpp has it; SmolVLM's lays the features of a square of patches side by side and multiplies by one matrix.
/// </summary>
internal sealed unsafe class Projector
{
    private const string Second = "mm.2", Shuffled = "mm.model.fc";

    private readonly TowerSpec _spec;
    private readonly TowerKernels _kernels;
    private readonly Linear _first;
    private readonly Linear? _second;

    /// <exception cref="InvalidInputException">A tensor is missing or of another shape than the metadata say.</exception>
    public Projector(TowerSpec spec, TowerTensors tensors, TowerKernels kernels)
    {
        (_spec, _kernels) = (spec, kernels);
        string name = spec.Projector == ProjectorKind.Mlp ? "mm.0" : Shuffled;
        int inner = tensors.RowsOf(name + ".weight");
        _first = tensors.Linear(name, inner, spec.Width * spec.Shuffle * spec.Shuffle);
        _second = spec.Projector == ProjectorKind.Mlp ? tensors.Linear(Second, tensors.RowsOf(Second + ".weight"), inner) : null;
    }

    /// <summary>Floats of a row, as the file says.</summary>
    /// <exception cref="InvalidInputException">The projector's last matrix is missing.</exception>
    public static int WidthOf(TowerSpec spec, ModelFile file) =>
        file.RequireTensor((spec.Projector == ProjectorKind.Mlp ? Second : Shuffled) + ".weight").Rows;

    /// <summary>Rows that a picture of the tower's size becomes.</summary>
    public int Rows => _spec.Patches / (_spec.Shuffle * _spec.Shuffle);

    /// <summary>Floats of a row: the language model's width.</summary>
    public int Width => (_second ?? _first).Matrix.Rows;

    /// <summary>The rows of one picture, [rows, width].</summary>
    /// <param name="features">[patches, tower's width]</param>
    public float[] Project(ReadOnlySpan<float> features)
    {
        var rows = new float[Rows * Width];
        using var input = new Activations(Rows, _first.Matrix.Columns);
        for (int row = 0; row < Rows; row++) Gather(features, row, new Span<float>(input.Row(row), input.Columns));
        fixed (float* output = rows)
        {
            if (_second is null)
            {
                _kernels.Multiply(_first, input, output, Width);
                return rows;
            }
            using var hidden = new Activations(Rows, _first.Matrix.Rows);
            _kernels.Multiply(_first, input, hidden.Row(0), hidden.FloatStride);
            _kernels.Apply(Activation.GeluTanh, hidden);
            _kernels.Multiply(_second, hidden, output, Width);
        }
        return rows;
    }

    /// <summary>The square of patches that becomes a row, its own rows one after the other.</summary>
    private void Gather(ReadOnlySpan<float> features, int row, Span<float> destination)
    {
        int shuffle = _spec.Shuffle, across = _spec.Side / shuffle, width = _spec.Width;
        for (int y = 0; y < shuffle; y++)
        {
            int patch = (row / across * shuffle + y) * _spec.Side + row % across * shuffle;
            features.Slice(patch * width, shuffle * width).CopyTo(destination[(y * shuffle * width)..]);
        }
    }
}
