using Kvasir.Formats;
using Kvasir.Memory;
using Kvasir.Models;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Vision.Towers;

/// <summary>Reads an image encoder's tensors, each checked against the shape that it must have, and packs matrices for products.</summary>
internal sealed unsafe class TowerTensors(ModelFile file, TowerKernels kernels) : IDisposable
{
    private readonly List<WeightMatrix> _packed = [];

    /// <summary>Whether the file has it.</summary>
    public bool Has(string name) => file.Tensors.ContainsKey(name);

    /// <summary>Rows of the tensor seen as a matrix.</summary>
    public int RowsOf(string name) => file.RequireTensor(name).Rows;

    /// <summary>Columns of the tensor seen as a matrix.</summary>
    public int ColumnsOf(string name) => file.RequireTensor(name).Columns;

    /// <summary>A tensor as floats, [rows, columns].</summary>
    /// <exception cref="InvalidInputException">It is missing or of another shape.</exception>
    public float[] Floats(string name, int rows, int columns)
    {
        Tensor tensor = Checked(name, rows, columns);
        var values = new float[rows * columns];
        for (int row = 0; row < rows; row++)
            GgmlBlocks.Dequantize(tensor.Type, tensor.RowBytes(row), values.AsSpan(row * columns, columns));
        return values;
    }

    /// <summary>Weight and bias of a normalisation, or null where the file has none.</summary>
    public NormWeights? Norm(string name, int width, float epsilon) => Has(name + ".weight")
        ? new NormWeights(NormKind.Layer, Floats(name + ".weight", 1, width), Floats(name + ".bias", 1, width), epsilon) : null;

    /// <exception cref="InvalidInputException">It is missing or of another shape.</exception>
    public NormWeights RequiredNorm(string name, int width, float epsilon) =>
        Norm(name, width, epsilon) ?? throw new InvalidInputException($"{file.Path}: tensor '{name}.weight' is missing");

    /// <summary>A matrix with its bias, if the file has one; a convolution's kernel is a matrix too.</summary>
    /// <exception cref="InvalidInputException">It is missing or of another shape.</exception>
    public Linear Linear(string name, int rows, int columns)
    {
        Tensor stored = file.RequireTensor(name + ".weight");
        if (stored.Shape.Count > 2) stored = AsMatrix(stored);
        CheckShape(stored, rows, columns);
        WeightMatrix matrix = WeightMatrix.Pack(stored, kernels.Float32, kernels.Path);
        _packed.Add(matrix);
        file.Release(stored);
        return new Linear(matrix, Has(name + ".bias") ? Floats(name + ".bias", 1, rows) : null);
    }

    /// <summary>The weight of an RMS norm.</summary>
    /// <exception cref="InvalidInputException">It is missing or of another shape.</exception>
    public NormWeights RmsNorm(string name, int width, float epsilon) =>
        new(NormKind.Rms, Floats(name + ".weight", 1, width), bias: null, epsilon);

    /// <summary>A matrix that is stored [columns, rows], without bias.</summary>
    /// <exception cref="InvalidInputException">It is missing or of another shape.</exception>
    public Linear Transposed(string name, int rows, int columns)
    {
        float[] stored = Floats(name + ".weight", columns, rows);
        using var turned = new NativeBuffer((long)rows * columns * sizeof(float));
        fixed (float* values = stored) HfTensors.Transpose(values, (float*)turned.Pointer, columns, rows);
        var tensor = new Tensor(name, TensorType.F32, [rows, columns], turned.Pointer, turned.Length);
        WeightMatrix matrix = WeightMatrix.Pack(tensor, kernels.Float32, kernels.Path);
        _packed.Add(matrix);
        return new Linear(matrix, null);
    }

    public void Dispose() => _packed.ForEach(matrix => matrix.Dispose());

    /// <summary>Everything behind the first size becomes columns.</summary>
    private static Tensor AsMatrix(Tensor tensor)
    {
        long columns = tensor.Shape.Skip(1).Aggregate(1L, (product, size) => product * size);
        if (GgmlBlocks.BlockLength(tensor.Type) > 1)
            throw new InvalidInputException($"tensor '{tensor.Name}' is a convolution in {tensor.Type}, which is not supported");
        return new Tensor(tensor.Name, tensor.Type, [tensor.Shape[0], columns], tensor.Data, tensor.ByteLength);
    }

    private Tensor Checked(string name, int rows, int columns)
    {
        Tensor tensor = file.RequireTensor(name);
        CheckShape(tensor, rows, columns);
        return tensor;
    }

    private void CheckShape(Tensor tensor, int rows, int columns)
    {
        if (tensor.Rows != rows || tensor.Columns != columns)
            throw new InvalidInputException(
                $"{file.Path}: tensor '{tensor.Name}' is [{string.Join(", ", tensor.Shape)}] not [{rows}, {columns}] as the metadata say");
    }
}
