using System.Buffers.Binary;
using System.Text.Json;
using Kvasir.Memory;

namespace Kvasir.Formats;

/// <summary>Writes float32 tensors to a safetensors file. They are kept by reference until <see cref="Write"/>.</summary>
public sealed class SafetensorsWriter
{
    private const int Alignment = 8;

    private readonly List<(string Name, long[] Shape, ReadOnlyMemory<float> Values)> _tensors = [];

    /// <summary>Free text entries, written under <c>__metadata__</c>.</summary>
    public IDictionary<string, string> Metadata { get; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Adds a tensor.</summary>
    /// <param name="name">Its name, used once.</param>
    /// <param name="shape">Sizes, outermost first.</param>
    /// <param name="values">As many values as the shape says, in row-major order.</param>
    public void Add(string name, ReadOnlySpan<long> shape, ReadOnlyMemory<float> values)
    {
        long count = 1;
        foreach (long size in shape) count = checked(count * size);
        if (count != values.Length)
            throw new ArgumentException($"tensor '{name}' has {values.Length} values where its shape needs {count}", nameof(values));
        if (_tensors.Exists(tensor => tensor.Name == name)) throw new ArgumentException($"tensor '{name}' is there already", nameof(name));
        _tensors.Add((name, shape.ToArray(), values));
    }

    /// <summary>Writes the file under a temporary name and renames it.</summary>
    /// <exception cref="IOException">The disk is full or the folder is not writable.</exception>
    public void Write(string path)
    {
        using var file = new ReplacedFile(path);
        byte[] header = Header();
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        file.Stream.Write(length);
        file.Stream.Write(header);
        foreach ((_, _, ReadOnlyMemory<float> values) in _tensors)
        {
            // In pieces, because a span of bytes ends at 2 GB.
            for (int i = 0; i < values.Length; i += 1 << 20)
                file.Stream.Write(MemoryMarshal.AsBytes(values.Span[i..Math.Min(values.Length, i + (1 << 20))]));
        }
        file.Commit();
    }

    private byte[] Header()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            long offset = 0;
            json.WriteStartObject();
            if (Metadata.Count > 0)
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string text) in Metadata) json.WriteString(key, text);
                json.WriteEndObject();
            }
            foreach ((string name, long[] shape, ReadOnlyMemory<float> values) in _tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", "F32");
                WriteNumbers(json, "shape", shape);
                WriteNumbers(json, "data_offsets", [offset, offset += (long)values.Length * sizeof(float)]);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (stream.Length % Alignment != 0) stream.WriteByte((byte)' ');
        return stream.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, ReadOnlySpan<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers) json.WriteNumberValue(number);
        json.WriteEndArray();
    }
}
