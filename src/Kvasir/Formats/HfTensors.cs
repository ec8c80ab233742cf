using Kvasir.Memory;
using Kvasir.Quantization;

namespace Kvasir.Formats;

/// <summary>
/// The tensors of a Hugging Face folder under GGUF's names and in GGUF's form: matrices are views into the mapped files
/// (transposed copies where they are stored [inputs, outputs]), vectors are float32 copies.
/// </summary>
internal sealed unsafe class HfTensors(HfArchitecture architecture) : IDisposable
{
    private const int MaxColumns = 1 << 24;

    private readonly List<NativeBuffer> _buffers = [];
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, Tensor> All => _tensors;

    /// <summary>Adds the tensors of one file.</summary>
    /// <exception cref="InvalidInputException">A tensor is unknown, of a type that is not supported, or stands in two files.</exception>
    public void Add(SafetensorsFile file)
    {
        foreach (SafetensorsEntry entry in file.Tensors.Values)
        {
            if (architecture.Translate(file.Path, entry.Name) is not { } name) continue;
            if (!_tensors.TryAdd(name, Convert(file, entry, name)))
                throw DamagedFile.Error(file.Path, $"tensor '{entry.Name}' is there twice");
        }
    }

    /// <summary>Adds a vector that the files do not hold.</summary>
    public void Add(string name, ReadOnlySpan<float> values)
    {
        Tensor tensor = NewTensor(name, TensorType.F32, [values.Length]);
        values.CopyTo(Floats(tensor));
        _tensors[name] = tensor;
    }

    public void Remove(string name) => _tensors.Remove(name);

    public void Dispose()
    {
        foreach (NativeBuffer buffer in _buffers) buffer.Dispose();
        _buffers.Clear();
        _tensors.Clear();
    }

    private Tensor Convert(SafetensorsFile file, SafetensorsEntry entry, string name)
    {
        if (SafetensorsFile.FloatType(entry.Type) is not { } type)
            throw DamagedFile.Error(file.Path,
                $"tensor '{entry.Name}' is of type {entry.Type}, which is not supported (F32, F16 and BF16 are)");
        if (entry.Shape.Count is not (1 or 2) || entry.Shape.Any(size => size is < 1 or > int.MaxValue))
            throw DamagedFile.Error(file.Path,
                $"tensor '{entry.Name}' of shape [{string.Join(", ", entry.Shape)}] is neither a vector nor a matrix");
        if (entry.Shape[^1] > MaxColumns)
            throw DamagedFile.Error(file.Path, $"tensor '{entry.Name}' has rows of {entry.Shape[^1]} elements (damaged file?)");
        var stored = new Tensor(name, type, entry.Shape, file.File.Pointer + entry.Offset, entry.ByteLength);
        if (stored.Shape.Count == 1) return ToFloat32(stored);
        bool linear = name.StartsWith("blk.", StringComparison.Ordinal);
        return architecture.Transposed && linear ? Transpose(stored) : stored;
    }

    private Tensor ToFloat32(Tensor stored)
    {
        Tensor tensor = NewTensor(stored.Name, TensorType.F32, stored.Shape);
        Span<float> values = Floats(tensor);
        GgmlBlocks.Dequantize(stored.Type, stored.RowBytes(0), values);
        if (architecture.NormsLackOne && stored.Name.EndsWith("norm.weight", StringComparison.Ordinal))
        {
            foreach (ref float value in values) value += 1;
        }
        return tensor;
    }

    private Tensor Transpose(Tensor stored)
    {
        Tensor tensor = NewTensor(stored.Name, stored.Type, [stored.Columns, stored.Rows]);
        if (stored.Type == TensorType.F32) Transpose((uint*)stored.Data, (uint*)tensor.Data, stored.Rows, stored.Columns);
        else Transpose((ushort*)stored.Data, (ushort*)tensor.Data, stored.Rows, stored.Columns);
        return tensor;
    }

    /// <summary>From [rows, columns] to [columns, rows], in tiles, so that the rows written to stay in the cache.</summary>
    internal static void Transpose<T>(T* source, T* destination, long rows, long columns) where T : unmanaged
    {
        const int tile = 32;
        for (long firstRow = 0; firstRow < rows; firstRow += tile)
        {
            for (long firstColumn = 0; firstColumn < columns; firstColumn += tile)
            {
                long endRow = Math.Min(rows, firstRow + tile), endColumn = Math.Min(columns, firstColumn + tile);
                for (long column = firstColumn; column < endColumn; column++)
                {
                    for (long row = firstRow; row < endRow; row++) destination[(column * rows) + row] = source[(row * columns) + column];
                }
            }
        }
    }

    private Tensor NewTensor(string name, TensorType type, IReadOnlyList<long> shape)
    {
        long bytes = GgmlBlocks.ByteLength(type, shape.Aggregate(1L, (product, size) => product * size));
        var buffer = new NativeBuffer(bytes);
        _buffers.Add(buffer);
        return new Tensor(name, type, shape, buffer.Pointer, bytes);
    }

    private static Span<float> Floats(Tensor tensor) =>
        MemoryMarshal.Cast<byte, float>(new Span<byte>(tensor.Data, checked((int)tensor.ByteLength)));
}
