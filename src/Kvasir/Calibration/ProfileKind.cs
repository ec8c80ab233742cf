using System.Text.Json;

namespace Kvasir.Calibration;

/// <summary>What a profile that a policy names is for: each says it in a field <c>kind</c>.</summary>
internal static class ProfileKind
{
    private const long LongestFile = 64 << 20;

    /// <summary>The kind of a file; null where there is none, or it does not say.</summary>
    public static string? Of(string path)
    {
        try
        {
            if (new FileInfo(path) is not { Exists: true, Length: <= LongestFile }) return null;
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object && root.TryGetProperty("kind", out JsonElement kind)
                && kind.ValueKind == JsonValueKind.String ? kind.GetString() : null;
        }
        catch (Exception problem) when (
            problem is JsonException or IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }
}
