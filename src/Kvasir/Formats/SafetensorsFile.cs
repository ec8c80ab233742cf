using System.Buffers.Binary;
using Kvasir.Memory;
using Kvasir.Quantization;

namespace Kvasir.Formats;

/// <summary>
/// A safetensors file, mapped into memory: 8 bytes of header length, a JSON header, then the tensors' bytes
/// (<see href="https://github.com/huggingface/safetensors"/>).
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private const int LengthBytes = sizeof(ulong), MaxHeader = 100_000_000;

    private readonly MappedFile _file;
    private readonly Dictionary<string, SafetensorsEntry> _entries;
    private readonly Dictionary<string, string> _metadata;

    private SafetensorsFile(MappedFile file)
    {
        _file = file;
        (_entries, _metadata) = Parse(file);
    }

    /// <summary>The file.</summary>
    public string Path => _file.Path;

    /// <summary>All tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors => _entries;

    /// <summary>The free text entries under <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    internal MappedFile File => _file;

    /// <summary>Whether a file that begins so is one: a plausible length of the header, then the header's brace.</summary>
    internal static bool BeginsSo(ReadOnlySpan<byte> start) =>
        start.Length > LengthBytes && start[LengthBytes] == '{' && BinaryPrimitives.ReadUInt64LittleEndian(start) < 1 << 30;

    /// <summary>Maps a file and checks its header.</summary>
    /// <exception cref="InvalidInputException">Missing, truncated, damaged, or not a safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = MappedFile.Open(path);
        try
        {
            return new SafetensorsFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The bytes of a tensor, at most 2 GB; valid while this is open.</summary>
    /// <exception cref="InvalidInputException">There is no such tensor.</exception>
    public ReadOnlySpan<byte> Bytes(string name) => Require(name) is var entry && entry.ByteLength <= int.MaxValue
        ? _file.Slice(entry.Offset, (int)entry.ByteLength)
        : throw new InvalidInputException($"{Path}: tensor '{name}' is larger than 2 GB");

    /// <summary>A tensor of type F32, F16 or BF16 as floats, in row-major order.</summary>
    /// <exception cref="InvalidInputException">There is no such tensor or it is of another type.</exception>
    public float[] Floats(string name)
    {
        if (FloatType(Require(name).Type) is not { } type)
            throw new InvalidInputException($"{Path}: tensor '{name}' is of type {Require(name).Type}, not of floats");
        ReadOnlySpan<byte> bytes = Bytes(name);
        var values = new float[bytes.Length / GgmlBlocks.BlockBytes(type)];
        GgmlBlocks.Dequantize(type, bytes, values);
        return values;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>The tensor type of a float type's name, or null where a model has no use for it.</summary>
    internal static TensorType? FloatType(string name) => name switch
    {
        "F32" => TensorType.F32,
        "F16" => TensorType.F16,
        "BF16" => TensorType.BF16,
        _ => null,
    };

    private SafetensorsEntry Require(string name) =>
        _entries.TryGetValue(name, out SafetensorsEntry? entry)
            ? entry : throw new InvalidInputException($"{Path}: tensor '{name}' is missing");

    private static (Dictionary<string, SafetensorsEntry>, Dictionary<string, string>) Parse(MappedFile file)
    {
        if (file.Length < LengthBytes) throw new InvalidInputException($"{file.Path}: not a safetensors file ({file.Length} bytes)");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(file.Slice(0, LengthBytes));
        if (length is < 2 or > MaxHeader || file.Slice(LengthBytes, 1)[0] != '{')
            throw new InvalidInputException($"{file.Path}: not a safetensors file (it does not begin with a JSON header)");
        if ((long)length > file.Length - LengthBytes)
            throw new InvalidInputException(
                $"{file.Path}: its header of {length} bytes runs past the end of the file: it is truncated; fetch it again");
        long dataStart = LengthBytes + (long)length;
        return SafetensorsHeader.Parse(file.Path, file.Slice(LengthBytes, (int)length), dataStart, file.Length - dataStart);
    }
}
