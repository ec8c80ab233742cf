namespace Kvasir.Cache;

/// <summary>Blocks of a run that attention reads together.</summary>
internal readonly unsafe ref struct BlockStrip
{
    /// <summary>The encoded keys of each, or the values.</summary>
    public required byte** Blocks { get; init; }

    public required int Count { get; init; }

    /// <summary>Channels of a key, or of a value.</summary>
    public required int Channels { get; init; }

    /// <summary>Where the keys' tokens stand.</summary>
    public KeyContext Keys { get; init; }

    /// <summary>As many pointers to what will be read after this, to be fetched meanwhile; they need not be valid.</summary>
    public required byte** Next { get; init; }

    /// <summary>Bytes to fetch of each.</summary>
    public required int NextBytes { get; init; }
}
