namespace Kvasir.Cache;

/// <summary>The files whose blocks stand in one cache, in the order of their positions.</summary>
internal sealed class PlacedFiles : IDisposable
{
    private readonly List<(KvFile File, int FirstPosition)> _files = [];
    private bool _checked = true;

    /// <summary>Adds a file whose first token stands at <paramref name="firstPosition"/>, and keeps it mapped.</summary>
    public void Add(KvFile file, int firstPosition)
    {
        file.Retain();
        _files.Add((file, firstPosition));
        _checked &= file.IsChecked;
    }

    /// <summary>
    /// Adds the files that have layers not checked yet to <paramref name="files"/>, each once, with the least distance of any query at
    /// <paramref name="firstQuery"/> or behind it from the file's last token. Costs one look at a flag when there are none.
    /// </summary>
    public void CollectUnchecked(int firstQuery, List<(KvFile File, int Distance)> files)
    {
        if (_checked) return;
        _checked = true;
        foreach ((KvFile file, int firstPosition) in _files)
        {
            if (file.IsChecked) continue;
            _checked = false;
            int distance = firstQuery - (firstPosition + file.Tokens - 1), known = 0;
            while (known < files.Count && files[known].File != file) known++;
            if (known == files.Count) files.Add((file, distance));
            else files[known] = (file, Math.Min(distance, files[known].Distance));
        }
    }

    /// <summary>Checks what no forward pass has checked yet: for what reads all blocks outside of one.</summary>
    /// <exception cref="DamagedKvException">A layer's checksum differs.</exception>
    public void Verify()
    {
        foreach ((KvFile file, _) in _files)
            if (!file.IsChecked) file.VerifyRest();
    }

    /// <summary>As <see cref="Verify()"/>, for one layer.</summary>
    /// <exception cref="DamagedKvException">Its checksum differs.</exception>
    public void Verify(int layer)
    {
        foreach ((KvFile file, _) in _files)
        {
            if (file.IsLayerChecked(layer)) continue;
            file.ReadAhead(layer, layer + 1);
            if (!file.Check(layer)) throw new DamagedKvException(file.Path, layer);
        }
    }

    /// <summary>The same files for another cache.</summary>
    public PlacedFiles Share()
    {
        var copy = new PlacedFiles();
        foreach ((KvFile file, int firstPosition) in _files) copy.Add(file, firstPosition);
        return copy;
    }

    /// <summary>Lets go of files of which nothing is left when all tokens from <paramref name="length"/> on are forgotten.</summary>
    public void Truncate(int length)
    {
        for (int i = _files.Count - 1; i >= 0 && _files[i].FirstPosition >= length; i--)
        {
            _files[i].File.Release();
            _files.RemoveAt(i);
        }
    }

    public void Dispose() => Truncate(int.MinValue);
}
