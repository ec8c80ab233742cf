namespace Kvasir.Documents.Storage;

/// <summary>What a user has set for a whole store. Where the file is missing or damaged, nothing is set; a store that is opened warns of that.</summary>
internal sealed record StoreSettings
{
    public const string FileName = "store.json";

    /// <summary>The most bytes that the KV of chunks may take, over all models and policies; null for no limit.</summary>
    public long? KvQuota { get; init; }

    public static StoreSettings Read(string store) => Read(store, out _);

    public static StoreSettings Read(string store, out bool damaged) =>
        CheckedJson.Read<StoreSettings>(Path.Combine(store, FileName), out damaged) is { KvQuota: null or > 0 } settings ? settings : new StoreSettings();

    /// <summary>For the writer.</summary>
    public void Write(string store, StoreFiles files) => files.Replace(Path.Combine(store, FileName), CheckedJson.Write(this));
}
