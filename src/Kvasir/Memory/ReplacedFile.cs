using Microsoft.Win32.SafeHandles;

namespace Kvasir.Memory;

/// <summary>A file written under a temporary name and renamed when it is whole; without <see cref="Commit"/> nothing is left.</summary>
internal sealed class ReplacedFile : IDisposable
{
    private readonly string _path;
    private readonly string _temporary;
    private bool _committed;

    /// <param name="path">Its place.</param>
    /// <param name="isPrivate">Only the user may read it, where the system has permissions of that kind.</param>
    public ReplacedFile(string path, bool isPrivate = false)
    {
        _path = path;
        _temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 1 << 16
        };
        if (isPrivate && !OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Stream = new FileStream(_temporary, options);
    }

    public FileStream Stream { get; }

    /// <summary>For writing at places, instead of the stream.</summary>
    public SafeFileHandle Handle => Stream.SafeFileHandle;

    /// <summary>Flushes to the disk and takes the place of the file of that name.</summary>
    public void Commit()
    {
        Stream.Flush(flushToDisk: true);
        Stream.Dispose();
        File.Move(_temporary, _path, overwrite: true);
        _committed = true;
    }

    public void Dispose()
    {
        if (_committed) return;
        try
        {
            Stream.Dispose();
        }
        finally
        {
            File.Delete(_temporary);
        }
    }
}
