namespace Kvasir.Cache;

/// <summary>
/// A block of a saved cache is not what was written. Found by <see cref="KvFile.Verify"/>, or in the forward pass that first reads the
/// layer: its caches are then as before, still with the file in them.
/// </summary>
public sealed class DamagedKvException(string path, int layer)
    : KvasirException($"{path}: damaged KV file (the checksum of layer {layer} differs)")
{
    /// <summary>The file.</summary>
    public string Path { get; } = path;
}
