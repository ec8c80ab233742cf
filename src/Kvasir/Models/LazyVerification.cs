using Kvasir.Cache;

namespace Kvasir.Models;

/// <summary>
/// What a forward pass does about layers of mapped files that nobody has read yet: a little before it comes to such a layer it asks the
/// system for the pages, and before attention reads them the workers share out the files and check their checksums, which touches the pages
/// too. Files that stand before all windows of a layer are left alone. Where everything has been checked before, nothing is done.
/// </summary>
internal sealed class LazyVerification(IReadOnlyList<LayerSpec> layers)
{
    private readonly List<(KvFile File, int Distance)> _files = [];
    private DamagedKvException? _damaged;

    /// <summary>
    /// Whether a checksum differs. All workers see the same between the barrier that follows <see cref="Check"/> and the next
    /// <see cref="Check"/>.
    /// </summary>
    public bool FoundDamage => Volatile.Read(ref _damaged) is not null;

    /// <summary>Whether files of the slice are still to be checked.</summary>
    public bool IsChecking => _files.Count > 0;

    /// <summary>Takes up the files of a slice's sequences and asks for their first layers. By one thread, before the slice runs.</summary>
    public void Begin(ForwardSlice slice)
    {
        _damaged = null;
        _files.Clear();
        foreach (SliceEntry entry in slice.Entries) entry.Cache.Files.CollectUnchecked(slice.Position(entry.FirstRow), _files);
        for (int layer = 0; layer < KvFile.LayersAhead; layer++) ReadAhead(0, 1, layer - KvFile.LayersAhead);
    }

    /// <summary>
    /// Asks for the layer that is <see cref="KvFile.LayersAhead"/> ahead. By every worker, when <paramref name="layer"/> begins.
    /// </summary>
    public void ReadAhead(int worker, int workers, int layer)
    {
        layer += KvFile.LayersAhead;
        for (int i = worker; i < _files.Count && layer < layers.Count; i += workers)
            if (IsRead(_files[i].Distance, layer) && !_files[i].File.IsLayerChecked(layer)) _files[i].File.ReadAhead(layer, layer + 1);
    }

    /// <summary>
    /// Checks a layer of those files that no other worker has taken. By every worker, a barrier or more before the layer is read.
    /// </summary>
    public void Check(int layer)
    {
        foreach ((KvFile file, int distance) in _files)
            if (IsRead(distance, layer) && !file.Check(layer))
                Interlocked.CompareExchange(ref _damaged, new DamagedKvException(file.Path, layer), null);
    }

    /// <summary>By one thread, after the slice has run.</summary>
    /// <exception cref="DamagedKvException">A checksum differs.</exception>
    public void End()
    {
        _files.Clear();
        if (_damaged is { } damaged) throw damaged;
    }

    /// <summary>Whether a layer's queries see a token so far before the first of them.</summary>
    private bool IsRead(int distance, int layer) => distance < layers[layer].Window;
}
