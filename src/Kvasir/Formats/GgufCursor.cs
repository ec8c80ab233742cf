using Kvasir.Memory;

namespace Kvasir.Formats;

/// <summary>
/// Reads a GGUF header front to back; every read is checked against the file's length. What reads one value is inlined: an array of 10^5
/// values is read once in a process, by a loop that is compiled while it runs, and calls from there would stay slow.
/// </summary>
internal sealed class GgufCursor(MappedFile file)
{
    /// <summary>More elements than any real metadata has (vocabularies reach some 2^20): a hostile count cannot take much memory.</summary>
    private const long MaxArrayElements = 1 << 24;

    private long _arrayElements;

    /// <summary>The byte that is read next.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes after <see cref="Position"/>.</summary>
    public long Remaining => file.Length - Position;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Read<T>() where T : unmanaged => MemoryMarshal.Read<T>(Take(Unsafe.SizeOf<T>()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public string ReadString()
    {
        ulong length = Read<ulong>();
        if (length > (ulong)Math.Min(Remaining, int.MaxValue)) throw Truncated();
        return Encoding.UTF8.GetString(Take((int)length));
    }

    /// <summary>A value as <see cref="ModelFile.Metadata"/> gives it.</summary>
    public object ReadValue(string key) => Read<GgufValueType>() switch
    {
        GgufValueType.String => ReadString(),
        GgufValueType.Bool => ReadBool(key),
        GgufValueType.Float32 => (double)Read<float>(),
        GgufValueType.Float64 => Read<double>(),
        GgufValueType.Array => ReadArray(key),
        GgufValueType.UInt64 => Read<ulong>() is var value && value <= long.MaxValue ? (long)value : value,
        GgufValueType type when IntegerSize(type) > 0 => ReadInteger(type),
        var type => throw UnknownType(key, type),
    };

    private object ReadArray(string key)
    {
        var type = Read<GgufValueType>();
        ulong count = Read<ulong>();
        if (type == GgufValueType.Array) throw Invalid($"metadata '{key}' is an array of arrays, which is not supported");
        int size = type switch
        {
            GgufValueType.String => sizeof(ulong),
            GgufValueType.Bool => 1,
            GgufValueType.Float32 => sizeof(float),
            GgufValueType.Float64 => sizeof(double),
            _ when IntegerSize(type) > 0 => IntegerSize(type),
            _ => throw UnknownType(key, type),
        };
        if (count > (ulong)(Remaining / size)) throw Truncated();
        if ((_arrayElements += (long)count) > MaxArrayElements)
            throw Invalid($"its metadata has more than {MaxArrayElements} array elements at '{key}'");
        int length = (int)count;
        return type switch
        {
            GgufValueType.String => ReadStrings(length),
            GgufValueType.Bool => ReadBools(length, key),
            GgufValueType.Float32 or GgufValueType.Float64 => ReadDoubles(length, type),
            _ => ReadIntegers(length, type),
        };
    }

    private string[] ReadStrings(int length)
    {
        string[] strings = new string[length];
        for (int i = 0; i < strings.Length; i++) strings[i] = ReadString();
        return strings;
    }

    private bool[] ReadBools(int length, string key)
    {
        bool[] flags = new bool[length];
        for (int i = 0; i < flags.Length; i++) flags[i] = ReadBool(key);
        return flags;
    }

    private double[] ReadDoubles(int length, GgufValueType type)
    {
        double[] numbers = new double[length];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = type == GgufValueType.Float32 ? Read<float>() : Read<double>();
        return numbers;
    }

    private long[] ReadIntegers(int length, GgufValueType type)
    {
        long[] numbers = new long[length];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = ReadInteger(type);
        return numbers;
    }

    private bool ReadBool(string key) => Read<byte>() switch
    {
        0 => false,
        1 => true,
        byte other => throw Invalid($"metadata '{key}' should be a bool (0 or 1) but is {other}"),
    };

    /// <summary>In an array, a number beyond 2^63 - 1 becomes that: it is out of every range.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long ReadInteger(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 => Read<byte>(),
        GgufValueType.Int8 => Read<sbyte>(),
        GgufValueType.UInt16 => Read<ushort>(),
        GgufValueType.Int16 => Read<short>(),
        GgufValueType.UInt32 => Read<uint>(),
        GgufValueType.Int32 => Read<int>(),
        GgufValueType.Int64 => Read<long>(),
        _ => (long)Math.Min(Read<ulong>(), long.MaxValue),
    };

    private static int IntegerSize(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 => 8,
        _ => 0,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > Remaining) throw Truncated();
        ReadOnlySpan<byte> bytes = file.Slice(Position, length);
        Position += length;
        return bytes;
    }

    public InvalidInputException Truncated() =>
        Invalid($"its header runs past the end of the file ({file.Length} bytes): the file is truncated or damaged; fetch it again");

    public InvalidInputException Invalid(string problem) => DamagedFile.Error(file.Path, problem);

    private InvalidInputException UnknownType(string key, GgufValueType type) =>
        Invalid($"metadata '{key}' has the unknown value type {(uint)type} (damaged file?)");
}
