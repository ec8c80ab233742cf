using Kvasir.Generation;
using Kvasir.Vision;

namespace Kvasir.Server;

/// <summary>How a server listens, and its limits.</summary>
public sealed record ServerOptions
{
    /// <summary>The address; loopback by default, so that only this machine reaches it.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>The port; 0 takes a free one.</summary>
    public int Port { get; init; } = 11435;

    /// <summary>What callers have to show, as <c>Authorization: Bearer KEY</c> or <c>x-api-key: KEY</c>; null asks for nothing.</summary>
    public string? ApiKey { get; init; }

    /// <summary>The engine's limits: policy, bytes, generations at once and waiting.</summary>
    public EngineOptions Engine { get; init; } = new();

    /// <summary>The folder with a store of documents for each collection; null for no documents.</summary>
    public string? DocumentsFolder { get; init; }

    /// <summary>What shows pictures to the language model; null for none. It must outlive the server.</summary>
    public ImageEncoder? Images { get; init; }

    /// <summary>The most bytes of a request that is no document; pictures are part of requests.</summary>
    public long MostRequestBytes { get; init; } = 16 << 20;

    /// <summary>The most bytes of an uploaded document.</summary>
    public long MostDocumentBytes { get; init; } = 32 << 20;

    /// <summary>The most bytes of all uploaded documents of a collection.</summary>
    public long MostCollectionBytes { get; init; } = 1L << 30;

    /// <summary>The most choices of one request (<c>n</c>).</summary>
    public int MostChoices { get; init; } = 8;

    /// <summary>How long what runs may take to its end when the server is stopped.</summary>
    public TimeSpan ShutdownGrace { get; init; } = TimeSpan.FromSeconds(30);
}
