using Kvasir.Memory;

namespace Kvasir.Formats;

/// <summary>
/// The header of one GGUF file, versions 2 and 3: magic, version, tensor and metadata counts, metadata, tensor infos;
/// tensor data follow, aligned. All offsets and sizes have been checked against the file and against each other.
/// </summary>
internal sealed class GgufHeader
{
    public const uint Magic = 0x46554747; // "GGUF"
    public const int DefaultAlignment = 32;
    public const int MaxDimensions = 4;
    public const string AlignmentKey = "general.alignment";

    private const int MaxAlignment = 1 << 20;
    private const int SmallestMetadata = 8 + 1 + 4 + 1, SmallestTensorInfo = 8 + 1 + 4 + 8 + 4 + 8;

    private readonly GgufCursor _cursor;

    private GgufHeader(MappedFile file) => _cursor = new GgufCursor(file);

    public Dictionary<string, object> Metadata { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, Tensor> Tensors { get; } = new(StringComparer.Ordinal);

    public static unsafe GgufHeader Read(MappedFile file)
    {
        var header = new GgufHeader(file);
        header.ReadAll(file);
        return header;
    }

    private unsafe void ReadAll(MappedFile file)
    {
        if (_cursor.Remaining < sizeof(uint) || _cursor.Read<uint>() != Magic)
            throw _cursor.Invalid("not a GGUF file (it does not begin with 'GGUF'); name a .gguf file or a Hugging Face folder");
        RequireVersion(_cursor.Read<uint>());
        ulong tensorCount = _cursor.Read<ulong>(), metadataCount = _cursor.Read<ulong>();
        if (metadataCount > (ulong)(_cursor.Remaining / SmallestMetadata)) throw _cursor.Truncated();
        if (tensorCount > (ulong)(_cursor.Remaining / SmallestTensorInfo)) throw _cursor.Truncated();
        for (ulong i = 0; i < metadataCount; i++) ReadMetadata();
        long alignment = Alignment();
        var infos = new List<GgufTensorInfo>((int)Math.Min(tensorCount, 4096));
        for (ulong i = 0; i < tensorCount; i++) infos.Add(GgufTensorInfo.Read(_cursor, alignment));
        if (infos.Count == 0) return;
        long data = (_cursor.Position + alignment - 1) / alignment * alignment;
        if (data > file.Length) throw _cursor.Truncated();
        RequireInside(infos, file.Length - data);
        foreach (GgufTensorInfo info in infos)
        {
            var tensor = new Tensor(info.Name, info.Type, info.Shape, file.Pointer + data + info.Offset, info.ByteLength);
            if (!Tensors.TryAdd(info.Name, tensor)) throw _cursor.Invalid($"tensor '{info.Name}' is listed twice (damaged file?)");
        }
    }

    private void RequireVersion(uint version)
    {
        if (version is 2 or 3) return;
        if (version == 1) throw _cursor.Invalid("GGUF version 1 (of August 2023) is not supported; convert the model anew");
        if ((version & 0xFFFF) == 0) throw _cursor.Invalid("a big-endian GGUF file, which is not supported; use the little-endian one");
        throw _cursor.Invalid($"GGUF version {version} is not supported (2 and 3 are)");
    }

    private void ReadMetadata()
    {
        string key = _cursor.ReadString();
        if (key.Length == 0) throw _cursor.Invalid("a metadata key is empty (damaged file?)");
        if (!Metadata.TryAdd(key, _cursor.ReadValue(key))) throw _cursor.Invalid($"metadata '{key}' stands there twice (damaged file?)");
    }

    private long Alignment()
    {
        object value = Metadata.GetValueOrDefault(AlignmentKey, (long)DefaultAlignment);
        return value is long alignment and >= 8 and <= MaxAlignment && long.IsPow2(alignment)
            ? alignment
            : throw _cursor.Invalid($"{AlignmentKey} should be a power of two from 8 to {MaxAlignment} but is {value}");
    }

    private void RequireInside(List<GgufTensorInfo> infos, long dataLength)
    {
        long end = 0;
        string previous = "";
        GgufTensorInfo[] ordered = [.. infos];
        Array.Sort(ordered, (one, other) => one.Offset.CompareTo(other.Offset));
        foreach (GgufTensorInfo info in ordered)
        {
            if (info.Offset > dataLength || info.ByteLength > dataLength - info.Offset)
                throw _cursor.Invalid(
                    $"the data of tensor '{info.Name}' run past the end of the file: it is truncated or damaged; fetch it again");
            if (info.Offset < end) throw _cursor.Invalid($"tensors '{previous}' and '{info.Name}' overlap (damaged file?)");
            end = info.Offset + info.ByteLength;
            previous = info.Name;
        }
    }
}
