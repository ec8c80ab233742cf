using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>
/// What stands at the start of a KV file, little-endian: 8 bytes magic, uint32 version, uint32 length of the header (a multiple of 64),
/// uint32 CRC-32C of all its other bytes, then the numbers of bytes of the description, of tokens and of layers as uint32; for each layer
/// its kv heads, key channels and value channels as int32 and the CRC-32C of its blocks; the token ids as int32; the description as JSON;
/// zeros. Then for every layer, head and segment the blocks as they are in memory; where only some tokens of a segment were kept, their
/// positions in it as uint16 come first.
/// </summary>
/// <remarks>
/// The checksums are there for what disks and copies do, and are checked whenever a layer is first read, so they have to cost less than
/// reading. A cryptographic hash beside them would add nothing: who can change blocks can change the hash that stands in the same file.
/// What protects against that is a key (the HMAC of exports).
/// </remarks>
internal sealed record KvFileHeader
{
    public const int FixedLength = 32, Version = 4, MaxLength = 64 << 20;

    private const int Alignment = 64, LengthAt = 12, ChecksumAt = 16, CountsAt = 20;

    public static ReadOnlySpan<byte> Magic => "KVASIRKV"u8;

    public required Description Kept { get; init; }

    public required int[] Ids { get; init; }

    public required LayerShape[] Layers { get; init; }

    /// <summary>Shape of one layer, and the checksum of its blocks.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal readonly record struct LayerShape(int KvHeads, int KeyChannels, int ValueChannels, uint Checksum);

    /// <summary>What the file is the KV of, and how it is kept.</summary>
    /// <param name="Model">Identity of the model.</param>
    /// <param name="Tokenizer">Identity of its tokenizer.</param>
    /// <param name="Policy">The policy it was made with.</param>
    /// <param name="FirstPosition">Position of its first token when it was computed.</param>
    /// <param name="Tables">Runs of blocks in the order of their positions; heads that are cut and encoded alike share a table.</param>
    /// <param name="TableOfHead">Index of its table for every head of every layer in their order; empty where all have the first.</param>
    internal sealed record Description(
        string Model, string Tokenizer, string Policy, int FirstPosition, IReadOnlyList<IReadOnlyList<SegmentShape>> Tables,
        IReadOnlyList<int> TableOfHead)
    {
        /// <summary>Text that belongs to the cache (of a session: its messages), under the same checksum and in the same file.</summary>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? Attachment { get; init; }

        /// <summary>Whether nothing is null, as JSON may have it.</summary>
        [JsonIgnore]
        public bool IsWhole => Model is not null && Tokenizer is not null && Policy is not null
            && TableOfHead is not null && Tables is { Count: > 0 }
                && Tables.All(table => table?.All(segment => segment is { Keys: not null, Values: not null }) == true);

        /// <summary>Whether each of so many heads, over all layers, has a table.</summary>
        public bool FitsHeads(int heads) =>
            TableOfHead.Count == 0 || (TableOfHead.Count == heads && TableOfHead.All(table => table >= 0 && table < Tables.Count));

        /// <summary>The runs of a head, counted over all layers.</summary>
        public IReadOnlyList<SegmentShape> TableOf(int head) => Tables[TableOfHead.Count == 0 ? 0 : TableOfHead[head]];

        /// <summary>The same with the runs of each head.</summary>
        public Description With(IEnumerable<IReadOnlyList<SegmentShape>> ofHeads)
        {
            var tables = new List<IReadOnlyList<SegmentShape>>();
            var indices = new List<int>();
            foreach (IReadOnlyList<SegmentShape> table in ofHeads)
            {
                int index = tables.FindIndex(known => known.SequenceEqual(table));
                if (index < 0) tables.Add(table);
                indices.Add(index < 0 ? tables.Count - 1 : index);
            }
            return this with { Tables = tables, TableOfHead = tables.Count == 1 ? [] : indices };
        }
    }

    /// <summary>One run of blocks of a head, with the codecs of its keys and values.</summary>
    internal sealed record SegmentShape(int FirstPosition, int Offset, int Tokens, string Keys, string Values)
    {
        /// <summary>Positions that the run takes, where only some of its tokens were kept; else null.</summary>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public int? Span { get; init; }

        [JsonIgnore]
        public int Blocks => KvBlock.CountFor(Tokens);

        /// <summary>Positions from its first to the next run's.</summary>
        [JsonIgnore]
        public int Positions => Span ?? Tokens;

        /// <summary>Bytes of the list of kept positions, padded.</summary>
        [JsonIgnore]
        public int ListBytes => Span is null ? 0 : (Tokens * sizeof(ushort) + Alignment - 1) / Alignment * Alignment;
    }

    /// <summary>The whole header, as long as the numbers of tokens and layers and the description make it.</summary>
    public byte[] ToBytes()
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(Kept, KvFileJson.Default.Description);
        ReadOnlySpan<byte> layers = MemoryMarshal.AsBytes<LayerShape>(Layers), ids = MemoryMarshal.AsBytes<int>(Ids);
        byte[] bytes = new byte[(FixedLength + layers.Length + ids.Length + json.Length + Alignment - 1) / Alignment * Alignment];
        Span<byte> rest = bytes;
        Magic.CopyTo(rest);
        BinaryPrimitives.WriteInt32LittleEndian(rest[Magic.Length..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(rest[LengthAt..], bytes.Length);
        foreach ((int i, int count) in new[] { json.Length, Ids.Length, Layers.Length }.Index())
            BinaryPrimitives.WriteInt32LittleEndian(rest[(CountsAt + i * sizeof(int))..], count);
        layers.CopyTo(rest = rest[FixedLength..]);
        ids.CopyTo(rest = rest[layers.Length..]);
        json.CopyTo(rest[ids.Length..]);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(ChecksumAt), ChecksumOf(bytes));
        return bytes;
    }

    /// <exception cref="InvalidInputException">Not a header, of another version, or damaged.</exception>
    public static KvFileHeader Read(MappedFile file, out long dataOffset)
    {
        string path = file.Path;
        if (file.Length < FixedLength) throw new InvalidInputException($"{path} is not a KV file of Kvasir");
        ReadOnlySpan<byte> start = file.Slice(0, FixedLength);
        if (!start.StartsWith(Magic)) throw new InvalidInputException($"{path} is not a KV file of Kvasir");
        int version = BinaryPrimitives.ReadInt32LittleEndian(start[Magic.Length..]),
            length = BinaryPrimitives.ReadInt32LittleEndian(start[LengthAt..]);
        if (version != Version)
            throw new InvalidInputException(
                $"{path} is a KV file of version {version}; this build reads version {Version}: compute it anew");
        if (length is < FixedLength or > MaxLength || length % Alignment != 0)
            throw new InvalidInputException($"{path}: damaged KV file (header of {length} bytes)");
        file.ReadAhead(0, length);
        ReadOnlySpan<byte> header = file.Slice(0, length);
        if (ChecksumOf(header) != BinaryPrimitives.ReadUInt32LittleEndian(header[ChecksumAt..]))
            throw new InvalidInputException($"{path}: damaged KV file (the header's checksum differs)");
        dataOffset = length;
        return Read(path, header);
    }

    private static KvFileHeader Read(string path, ReadOnlySpan<byte> header)
    {
        long json = Count(header, 0), ids = Count(header, 1) * sizeof(int), layers = Count(header, 2) * Marshal.SizeOf<LayerShape>();
        ReadOnlySpan<byte> rest = header[FixedLength..];
        if (json + ids + layers > rest.Length)
            throw new InvalidInputException($"{path}: damaged KV file (its header is too short for its parts)");
        try
        {
            if (JsonSerializer.Deserialize(
                rest.Slice((int)(layers + ids), (int)json),
                KvFileJson.Default.Description) is not { IsWhole: true } kept) throw new InvalidInputException(
                $"{path}: damaged KV file (parts of its header are empty)");
            return new KvFileHeader
            {
                Kept = kept,
                Ids = MemoryMarshal.Cast<byte, int>(rest.Slice((int)layers, (int)ids)).ToArray(),
                Layers = MemoryMarshal.Cast<byte, LayerShape>(rest[..(int)layers]).ToArray(),
            };
        }
        catch (JsonException error)
        {
            throw new InvalidInputException($"{path}: damaged KV file ({error.Message})", error);
        }
    }

    private static long Count(ReadOnlySpan<byte> header, int part) =>
        BinaryPrimitives.ReadUInt32LittleEndian(header[(CountsAt + part * sizeof(int))..]);

    private static uint ChecksumOf(ReadOnlySpan<byte> header) =>
        Checksum.Of(header[(ChecksumAt + sizeof(uint))..], Checksum.Of(header[..ChecksumAt]));
}

/// <summary>Serialisation of the description, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(KvFileHeader.Description))]
internal sealed partial class KvFileJson : JsonSerializerContext;
