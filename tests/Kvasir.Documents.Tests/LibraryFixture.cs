namespace Kvasir.Documents.Tests;

/// <summary>A folder with two documents of two chunks each, and libraries with fake models on a store of their own.</summary>
public abstract class LibraryFixture : IDisposable
{
    private protected const string Cats =
        "Cats sleep all day long.\n\nThey purr when they are content, and nobody knows quite why they do.";
    private protected const string Dogs =
        "Dogs bark at the postman.\n\nThey like long walks and short naps, in that order, whatever the weather.";

    private protected LibraryFixture()
    {
        Folder.File("documents/cats.txt", Cats);
        Folder.File("documents/sub/dogs.md", Dogs);
    }

    private protected TemporaryFolder Folder { get; } = new();

    private protected FakeModel Model { get; } = new();

    private protected FakeEncoder Encoder { get; } = new();

    /// <summary>Another number is another store.</summary>
    private protected int StoreNumber { get; set; }

    private protected string Store => Folder.Sub("store" + StoreNumber);

    private protected string Documents => Folder.Sub("documents");

    public void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected DocumentLibrary Open(
        FakeModel? model = null, FakeEncoder? encoder = null, StoreFiles? files = null, int chunkTokens = 16) =>
        new(DocumentStore.Open(Store, create: true, files ?? new StoreFiles()), model ?? Model, encoder ?? Encoder, chunkTokens);

    /// <summary>Changes the store's database past everything that guards it.</summary>
    private protected void Tamper(string sql)
    {
        using Database database = Database.Open(Path.Combine(Store, "store.db"));
        database.Run(sql);
    }

    private protected string[] KvFiles() => [.. Directory.EnumerateFiles(Store, "*.kv", SearchOption.AllDirectories)];
}
