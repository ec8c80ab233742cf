using System.Text.Json;
using Kvasir.Memory;

namespace Kvasir.Documents.Storage;

/// <summary>A small JSON file with a CRC-32C of its content, so that a damaged figure is not taken for another one.</summary>
internal static class CheckedJson
{
    public static byte[] Write<T>(T value)
    {
        JsonElement content = JsonSerializer.SerializeToElement(value);
        return JsonSerializer.SerializeToUtf8Bytes(new Envelope(Of(content), content));
    }

    /// <summary>What the file holds; null where it is missing or damaged. Files of before there was a checksum are taken as they are.</summary>
    public static T? Read<T>(string path, out bool damaged) where T : class
    {
        damaged = false;
        try
        {
            JsonElement root = JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(path));
            bool isChecked = root.TryGetProperty(nameof(Envelope.Checksum), out JsonElement checksum) | root.TryGetProperty(nameof(Envelope.Content), out JsonElement content);
            damaged = isChecked && checksum.GetUInt32() != Of(content);
            return damaged ? null : (isChecked ? content : root).Deserialize<T>();
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or JsonException or UnauthorizedAccessException or InvalidOperationException or FormatException)
        {
            damaged = true;
            return null;
        }
    }

    private static uint Of(JsonElement content) => Checksum.Of(Encoding.UTF8.GetBytes(content.GetRawText()));

    private sealed record Envelope(uint Checksum, JsonElement Content);
}
