using System.Buffers;
using System.Buffers.Binary;

namespace Kvasir.Documents.Storage;

/// <summary>Builds the payload of a record: little-endian numbers, lengths before arrays.</summary>
internal sealed class PayloadWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public void Add(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        _bytes.Write(bytes);
    }

    public void Add(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        _bytes.Write(bytes);
    }

    public void Add(string text) => Add(Encoding.UTF8.GetBytes(text));

    public void Add<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        Add(values.Length);
        _bytes.Write(MemoryMarshal.AsBytes(values));
    }

    public void Add<T>(T[] values) where T : unmanaged => Add((ReadOnlySpan<T>)values);

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();
}

/// <summary>Reads a payload; every length is checked against what is left.</summary>
internal ref struct PayloadReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Where the next value stands.</summary>
    public int Position { get; private set; }

    public int ReadInt() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public long ReadLong() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public string ReadText() => Encoding.UTF8.GetString(ReadBytes());

    public ReadOnlySpan<byte> ReadBytes() => Take(ReadCount(1));

    public T[] ReadArray<T>() where T : unmanaged => ReadRun<T>().ToArray();

    /// <summary>An array where it stands.</summary>
    public ReadOnlySpan<T> ReadRun<T>() where T : unmanaged
    {
        int size = Marshal.SizeOf<T>();
        return MemoryMarshal.Cast<byte, T>(Take(ReadCount(size) * size));
    }

    /// <summary>A count of things that take at least <paramref name="leastBytes"/> each.</summary>
    /// <exception cref="InvalidDataException">More than the payload can hold.</exception>
    public int ReadCount(int leastBytes)
    {
        int count = ReadInt();
        return count < 0 || (long)count * leastBytes > _bytes.Length - Position ? throw new InvalidDataException() : count;
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _bytes.Length - Position) throw new InvalidDataException();

        ReadOnlySpan<byte> taken = _bytes.Slice(Position, length);
        Position += length;
        return taken;
    }
}
