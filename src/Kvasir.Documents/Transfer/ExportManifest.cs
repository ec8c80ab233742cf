using System.Text.Json;
using System.Text.Json.Serialization;
using Kvasir.Documents.Catalog;

namespace Kvasir.Documents.Transfer;

/// <summary>
/// What an exported file holds. The file is a ZIP archive whose entries are not compressed: <c>manifest.json</c> (this),
/// <c>manifest.sha256</c> and, where it is signed, <c>manifest.hmac</c>, then <c>files/N.json</c> with documents and texts,
/// <c>vectors/N/E.f32</c> with embeddings, and <c>kv/SHELF/NAME.kv</c>. Nothing counts that the manifest does not list with length and
/// SHA-256, so its own HMAC vouches for all of it.
/// </summary>
internal sealed record ExportManifest(
    string Format, int Version, string Root, KvKey[] Shelves, ExportedFile[] Files, ExportedEntry[] Entries)
{
    public const string FormatName = "kvasir-export", Name = "manifest.json", ChecksumName = "manifest.sha256",
        SignatureName = "manifest.hmac";

    public const int CurrentVersion = 1;

    public static string ContentName(int file) => $"files/{file}.json";

    public static string VectorsName(int file, int encoder) => $"vectors/{file}/{encoder}.f32";

    public static string KvName(string shelf, string name) => $"kv/{shelf}/{name}.kv";

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, ExportJson.Default.ExportManifest);

    /// <exception cref="InvalidDataException">Not a manifest, or parts of it are missing or out of range.</exception>
    public static ExportManifest Read(ReadOnlySpan<byte> json)
    {
        ExportManifest manifest = ExportJson.Read(json, ExportJson.Default.ExportManifest);
        if (manifest.Format != FormatName || manifest.Version != CurrentVersion)
            throw new InvalidDataException(
                $"its format is {Shown(manifest.Format)} {manifest.Version}, this program reads {FormatName} {CurrentVersion}");

        bool whole = !manifest.Shelves.Contains(null) && !manifest.Files.Contains(null) && !manifest.Entries.Contains(null)
            && manifest.Shelves.All(key => new[] { key.Model, key.ModelIdentity, key.TokenizerIdentity, key.Policy }.All(IsName))
            && manifest.Files.All(file => IsName(file.Path) && file.Hash.Length == 32)
            && manifest.Entries.All(entry => entry.Bytes >= 0 && entry.Sha256.Length == 32);
        return whole ? manifest : throw new InvalidDataException("parts of its manifest are missing or out of range");
    }

    /// <summary>Whether a text can be a name or path that is printed and compared: of a sane length, without control characters.</summary>
    public static bool IsName(string text) => text.Length is > 0 and <= 4096 && !text.Any(char.IsControl);

    private static string Shown(string text) => IsName(text) && text.Length < 40 ? text : "unknown";
}

/// <summary>One stored file, as its record has it; its documents stand in an entry of their own.</summary>
internal sealed record ExportedFile(string Path, long Length, long ChangedTicks, byte[] Hash);

/// <summary>One entry of the archive besides the manifest.</summary>
internal sealed record ExportedEntry(string Name, long Bytes, byte[] Sha256);

/// <summary>The documents of one file, and by which encoders all of them are embedded.</summary>
internal sealed record ExportedContent(DocumentContent[] Documents, ExportedVectors[] Vectors)
{
    private const int WidestVector = 1 << 16;

    [JsonIgnore]
    public int ChunkCount => Documents.Sum(document => document.Chunks.Length);

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, ExportJson.Default.ExportedContent);

    /// <exception cref="InvalidDataException">Parts are missing or out of range.</exception>
    public static ExportedContent Read(ReadOnlySpan<byte> json)
    {
        ExportedContent content = ExportJson.Read(json, ExportJson.Default.ExportedContent);
        bool whole = !content.Documents.Contains(null) && !content.Vectors.Contains(null)
            && content.Documents.All(document =>
                document.ContentHash.Length == 32 && document.ChunkTokens > 0 && !document.Chunks.Contains(null)
                && document.Chunks.All(chunk => chunk.Start >= 0 && chunk.Length >= 0 && chunk.Tokens >= 0))
            && content.Vectors.All(vectors => ExportManifest.IsName(vectors.Encoder) && vectors.Width is > 0 and <= WidestVector);
        return whole ? content : throw new InvalidDataException("parts of its documents are missing or out of range");
    }
}

/// <summary>Embeddings of all chunks of a file by one encoder, [chunks, width] little-endian float32 in an entry of their own.</summary>
internal sealed record ExportedVectors(string Encoder, int Width);

/// <summary>How manifests are written as JSON; what is missing or null is refused.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ExportManifest))]
[JsonSerializable(typeof(ExportedContent))]
internal sealed partial class ExportJson : JsonSerializerContext
{
    /// <exception cref="InvalidDataException">Not JSON of this kind.</exception>
    public static T Read<T>(ReadOnlySpan<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new InvalidDataException("a part of it is empty");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException(error.Message, error);
        }
    }
}
