using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>
/// What stands at the start of a KV file: 8 bytes magic, uint32 version, uint32 header length, SHA-256 of the header, the header as JSON,
/// zeros up to a multiple of 64. Then for every layer, head and segment the blocks as they are in memory.
/// </summary>
internal sealed record KvFileHeader
{
    public const int FixedLength = 48, Version = 2, MaxLength = 64 << 20;

    public static ReadOnlySpan<byte> Magic => "KVASIRKV"u8;

    public required string Model { get; init; }

    public required string Tokenizer { get; init; }

    public required string Policy { get; init; }

    public required int FirstPosition { get; init; }

    /// <summary>Token ids as little-endian int32.</summary>
    public required byte[] Ids { get; init; }

    public required IReadOnlyList<LayerShape> Layers { get; init; }

    public required IReadOnlyList<SegmentShape> Segments { get; init; }

    /// <summary>Text that belongs to the cache (of a session: its messages), under the same checksum and in the same file.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Attachment { get; init; }

    /// <summary>Shape of one layer, and the SHA-256 of its blocks.</summary>
    internal sealed record LayerShape(int KvHeads, int KeyChannels, int ValueChannels, string Sha256);

    /// <summary>One run of blocks, cut alike in every layer and head; codecs of keys and values once for all, or for each head of each layer in their order.</summary>
    internal sealed record SegmentShape(int FirstPosition, int Offset, int Tokens, IReadOnlyList<string> Keys, IReadOnlyList<string> Values)
    {
        [JsonIgnore]
        public int Blocks => KvBlock.CountFor(Tokens);
    }

    /// <summary>Whether nothing is null, as JSON may have it.</summary>
    private bool IsWhole => Model is not null && Tokenizer is not null && Policy is not null && Ids is not null
        && Layers?.All(layer => layer?.Sha256 is not null) == true
        && Segments?.All(segment => segment?.Keys?.All(name => name is not null) == true && segment.Values?.All(name => name is not null) == true) == true;

    public static long DataOffset(int headerLength) => (FixedLength + (long)headerLength + 63) / 64 * 64;

    /// <summary>The fixed part, the JSON and the padding.</summary>
    public byte[] ToBytes()
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(this, KvFileJson.Default.KvFileHeader);
        byte[] bytes = new byte[DataOffset(json.Length)];
        Magic.CopyTo(bytes);
        BitConverter.TryWriteBytes(bytes.AsSpan(8), Version);
        BitConverter.TryWriteBytes(bytes.AsSpan(12), json.Length);
        SHA256.HashData(json, bytes.AsSpan(16, 32));
        json.CopyTo(bytes, FixedLength);
        return bytes;
    }

    /// <exception cref="InvalidInputException">Not a header, of another version, or damaged.</exception>
    public static KvFileHeader Read(MappedFile file, out long dataOffset)
    {
        string path = file.Path;
        if (file.Length < FixedLength) throw new InvalidInputException($"{path} is not a KV file of Kvasir");
        ReadOnlySpan<byte> start = file.Slice(0, FixedLength);
        if (!start[..8].SequenceEqual(Magic)) throw new InvalidInputException($"{path} is not a KV file of Kvasir");
        int version = BitConverter.ToInt32(start[8..]), length = BitConverter.ToInt32(start[12..]);
        if (version != Version) throw new InvalidInputException($"{path} is a KV file of version {version}; this build reads version {Version}: compute it anew");
        if (length is <= 0 or > MaxLength) throw new InvalidInputException($"{path}: damaged KV file (header of {length} bytes)");
        ReadOnlySpan<byte> json = file.Slice(FixedLength, length);
        if (!SHA256.HashData(json).AsSpan().SequenceEqual(start[16..])) throw new InvalidInputException($"{path}: damaged KV file (the header's checksum differs)");
        dataOffset = DataOffset(length);
        try
        {
            return JsonSerializer.Deserialize(json, KvFileJson.Default.KvFileHeader) is { IsWhole: true } header ? header : throw new InvalidInputException($"{path}: damaged KV file (parts of its header are empty)");
        }
        catch (JsonException error)
        {
            throw new InvalidInputException($"{path}: damaged KV file ({error.Message})", error);
        }
    }
}

/// <summary>Serialisation of the header, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(KvFileHeader))]
internal sealed partial class KvFileJson : JsonSerializerContext;
