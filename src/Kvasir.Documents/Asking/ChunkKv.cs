using Kvasir.Cache;

namespace Kvasir.Documents.Asking;

/// <summary>Where the KV of a chunk is: in a file, or in memory where it could not be stored.</summary>
internal sealed record ChunkKv : IDisposable
{
    /// <summary>The file, or null.</summary>
    public string? Path { get; init; }

    /// <summary>Whether the file is kept under another policy and must be converted to be used.</summary>
    public bool IsOfAnotherPolicy { get; init; }

    /// <summary>Whether it was computed for this answer.</summary>
    public bool IsNew { get; init; }

    /// <summary>Where there is no file: the prefix and the chunk behind it.</summary>
    public KvCache? Computed { get; init; }

    public void Dispose() => Computed?.Dispose();
}
