using Kvasir.Memory;
using Microsoft.Win32.SafeHandles;

namespace Kvasir.Documents.Catalog;

/// <summary>
/// The one door through which a store's own files are written, so that tests can let writing fail at any point; and where it is told what
/// is wrong with them.
/// </summary>
internal class StoreFiles
{
    private readonly List<StoreWarning> _warnings = [];

    /// <summary>What the names of unfinished files end with; the next writer removes them.</summary>
    public const string TemporarySuffix = ".tmp";

    /// <summary>Removes what interrupted work has left in a folder; for the writer.</summary>
    public static void RemoveUnfinished(string folder) =>
        Array.ForEach(Directory.GetFiles(folder, $"*{TemporarySuffix}*"), File.Delete);

    /// <summary>What has been found wrong, each once.</summary>
    public IReadOnlyList<StoreWarning> Warnings => _warnings;

    /// <summary>Told each warning at once.</summary>
    public Action<StoreWarning>? Warned { get; set; }

    public void Warn(string problem, StoreMend mend = StoreMend.None, string? file = null) => Warn(new StoreWarning(problem, mend, file));

    public void Warn(StoreWarning warning)
    {
        if (_warnings.Exists(told => told.Problem == warning.Problem)) return;
        _warnings.Add(warning);
        Warned?.Invoke(warning);
    }

    public virtual void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(file, bytes, offset);

    public virtual void Flush(SafeFileHandle file) => RandomAccess.FlushToDisk(file);

    /// <summary>Makes or replaces a file as a whole, durable under its name.</summary>
    public void Replace(string path, Action<SafeFileHandle> write)
    {
        using var file = new ReplacedFile(path);
        write(file.Handle);
        Flush(file.Handle);
        file.Commit();
        FolderFlush.Flush(Path.GetDirectoryName(path)!);
    }
}
