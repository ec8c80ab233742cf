using Kvasir.Memory;
using Kvasir.Quantization;

namespace Kvasir.Formats;

/// <summary>Writes a GGUF file, version 3. Tensor data are produced when they are written, so a model need not fit in memory.</summary>
internal sealed class GgufWriter(int alignment = GgufHeader.DefaultAlignment)
{
    private readonly Dictionary<string, object> _metadata = new(StringComparer.Ordinal);
    private readonly List<(string Name, TensorType Type, long[] Shape, Action<Stream> Write)> _tensors = [];

    /// <summary>Adds a string, bool, number in its own type (usually <c>uint</c> or <c>float</c>), or an array of one of these.</summary>
    public void Add(string key, object value)
    {
        _ = ValueType(value);
        _metadata.Add(key, value);
    }

    /// <summary>Adds a tensor whose bytes <paramref name="write"/> puts into a stream.</summary>
    /// <param name="name">Its name, used once.</param>
    /// <param name="type">The element type.</param>
    /// <param name="shape">Sizes, outermost first; the last a multiple of the type's block length.</param>
    /// <param name="write">Writes exactly the tensor's bytes.</param>
    public void AddTensor(string name, TensorType type, ReadOnlySpan<long> shape, Action<Stream> write)
    {
        if (shape.Length is 0 or > GgufHeader.MaxDimensions)
            throw new ArgumentException($"tensor '{name}' has {shape.Length} dimensions", nameof(shape));
        if (shape[^1] % GgmlBlocks.BlockLength(type) != 0)
            throw new ArgumentException($"rows of {shape[^1]} elements are not whole {type} blocks", nameof(shape));
        _tensors.Add((name, type, shape.ToArray(), write));
    }

    /// <summary>Adds a tensor from bytes of its type.</summary>
    public void AddTensor(string name, TensorType type, ReadOnlySpan<long> shape, ReadOnlyMemory<byte> data) =>
        AddTensor(name, type, shape, stream => stream.Write(data.Span));

    /// <summary>Adds a tensor from floats, quantised to <paramref name="type"/>.</summary>
    public void AddTensor(string name, TensorType type, ReadOnlySpan<long> shape, ReadOnlySpan<float> values)
    {
        var data = new byte[GgmlBlocks.ByteLength(type, values.Length)];
        BlockWriter.Quantize(type, values, data);
        AddTensor(name, type, shape, data);
    }

    /// <summary>Writes the file under a temporary name and renames it.</summary>
    public void Write(string path)
    {
        using var file = new ReplacedFile(path);
        Write(file.Stream);
        file.Commit();
    }

    /// <summary>Writes to a stream, front to back.</summary>
    public void Write(Stream stream)
    {
        var counted = new CountedStream(stream);
        WriteHeader(counted);
        Pad(counted);
        foreach ((string name, TensorType type, long[] shape, Action<Stream> write) in _tensors)
        {
            long start = counted.Position, expected = ByteLength(type, shape);
            write(counted);
            if (counted.Position - start != expected)
                throw new InvalidOperationException(
                    $"tensor '{name}' was written as {counted.Position - start} bytes where {expected} are due");
            Pad(counted);
        }
    }

    private void WriteHeader(Stream stream)
    {
        if (alignment != GgufHeader.DefaultAlignment) _metadata[GgufHeader.AlignmentKey] = (uint)alignment;
        Write(stream, GgufHeader.Magic);
        Write(stream, 3u);
        Write(stream, (ulong)_tensors.Count);
        Write(stream, (ulong)_metadata.Count);
        foreach ((string key, object value) in _metadata)
        {
            WriteString(stream, key);
            WriteValue(stream, value);
        }
        long offset = 0;
        foreach ((string name, TensorType type, long[] shape, _) in _tensors)
        {
            WriteString(stream, name);
            Write(stream, (uint)shape.Length);
            for (int i = shape.Length - 1; i >= 0; i--) Write(stream, shape[i]);
            Write(stream, (uint)type);
            Write(stream, offset);
            offset += (ByteLength(type, shape) + alignment - 1) / alignment * alignment;
        }
    }

    private void Pad(CountedStream stream)
    {
        while (stream.Position % alignment != 0) stream.WriteByte(0);
    }

    private static void WriteValue(Stream stream, object value)
    {
        GgufValueType type = ValueType(value);
        Write(stream, (uint)type);
        if (value is not Array array)
        {
            WriteScalar(stream, value);
            return;
        }
        Write(stream, (uint)ElementType(array));
        Write(stream, (ulong)array.Length);
        foreach (object element in array) WriteScalar(stream, element);
    }

    private static void WriteScalar(Stream stream, object value)
    {
        switch (value)
        {
            case string text: WriteString(stream, text); break;
            case bool flag: Write(stream, (byte)(flag ? 1 : 0)); break;
            case byte number: Write(stream, number); break;
            case sbyte number: Write(stream, number); break;
            case ushort number: Write(stream, number); break;
            case short number: Write(stream, number); break;
            case uint number: Write(stream, number); break;
            case int number: Write(stream, number); break;
            case ulong number: Write(stream, number); break;
            case long number: Write(stream, number); break;
            case float number: Write(stream, number); break;
            case double number: Write(stream, number); break;
            default: throw new ArgumentException($"GGUF has no type for {value.GetType()}", nameof(value));
        }
    }

    private static GgufValueType ValueType(object value) =>
        value is Array array && ElementType(array) is var _ ? GgufValueType.Array : ScalarType(value.GetType());

    private static GgufValueType ElementType(Array array) => ScalarType(array.GetType().GetElementType()!);

    private static GgufValueType ScalarType(Type type) =>
        type == typeof(string) ? GgufValueType.String
        : type == typeof(bool) ? GgufValueType.Bool
        : type == typeof(byte) ? GgufValueType.UInt8
        : type == typeof(sbyte) ? GgufValueType.Int8
        : type == typeof(ushort) ? GgufValueType.UInt16
        : type == typeof(short) ? GgufValueType.Int16
        : type == typeof(uint) ? GgufValueType.UInt32
        : type == typeof(int) ? GgufValueType.Int32
        : type == typeof(ulong) ? GgufValueType.UInt64
        : type == typeof(long) ? GgufValueType.Int64
        : type == typeof(float) ? GgufValueType.Float32
        : type == typeof(double) ? GgufValueType.Float64
        : throw new ArgumentException($"GGUF has no type for {type}", nameof(type));

    private static void WriteString(Stream stream, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Write(stream, (ulong)bytes.Length);
        stream.Write(bytes);
    }

    private static void Write<T>(Stream stream, T value) where T : unmanaged =>
        stream.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(ref value)));

    private static long ByteLength(TensorType type, long[] shape) =>
        GgmlBlocks.ByteLength(type, shape.Aggregate(1L, (product, size) => checked(product * size)));
}
