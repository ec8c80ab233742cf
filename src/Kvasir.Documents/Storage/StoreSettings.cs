using System.Text.Json;

namespace Kvasir.Documents.Storage;

/// <summary>What a user has set for a whole store. Where the file is missing or damaged, nothing is set.</summary>
internal sealed record StoreSettings
{
    public const string FileName = "store.json";

    /// <summary>The most bytes that the KV of chunks may take, over all models and policies; null for no limit.</summary>
    public long? KvQuota { get; init; }

    public static StoreSettings Read(string store)
    {
        try
        {
            StoreSettings? settings = JsonSerializer.Deserialize<StoreSettings>(File.ReadAllBytes(Path.Combine(store, FileName)));
            return settings is { KvQuota: null or > 0 } ? settings : new StoreSettings();
        }
        catch (Exception error) when (error is IOException or JsonException or UnauthorizedAccessException)
        {
            return new StoreSettings();
        }
    }

    /// <summary>For the writer.</summary>
    public void Write(string store, StoreFiles files) => files.Replace(Path.Combine(store, FileName), JsonSerializer.SerializeToUtf8Bytes(this));
}
