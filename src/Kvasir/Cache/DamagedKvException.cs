namespace Kvasir.Cache;

/// <summary>
/// A block of a saved cache is not what was written. Found by <see cref="KvFile.Verify"/>, or in the forward pass that first reads the layer: its
/// caches are then as before, still with the file in them.
/// </summary>
public sealed class DamagedKvException : InvalidInputException
{
    /// <summary>Layer <paramref name="layer"/> of the file at <paramref name="path"/> is damaged.</summary>
    public DamagedKvException(string path, int layer) : base($"{path}: damaged KV file (the checksum of layer {layer} differs)") => Path = path;

    /// <inheritdoc cref="DamagedKvException"/>
    public DamagedKvException(string message) : base(message) { }

    /// <inheritdoc cref="DamagedKvException"/>
    public DamagedKvException(string message, Exception innerException) : base(message, innerException) { }

    /// <inheritdoc cref="DamagedKvException"/>
    public DamagedKvException() { }

    /// <summary>The file.</summary>
    public string Path { get; } = "";
}
