using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Kvasir.Memory;

/// <summary>A file mapped read-only into memory; pages are read when they are first touched.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private byte* _pointer;

    private MappedFile(string path, long length, MemoryMappedFile? file, MemoryMappedViewAccessor? view)
    {
        Path = path;
        Length = length;
        _file = file;
        _view = view;
        if (view != null)
        {
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref _pointer);
            _pointer += view.PointerOffset;
        }
    }

    public string Path { get; }

    public long Length { get; }

    public byte* Pointer => _pointer;

    /// <param name="path">The file.</param>
    /// <param name="scattered">Whether only some of it will be read, so that no page is read because another was touched.</param>
    /// <exception cref="InvalidInputException">The path is missing, a directory, empty or cannot be read.</exception>
    public static MappedFile Open(string path, bool scattered = false)
    {
        if (Directory.Exists(path)) throw new InvalidInputException($"{path} is a directory, not a file");
        if (!File.Exists(path)) throw new InvalidInputException($"{path} does not exist");
        try
        {
            SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            long length = RandomAccess.GetLength(handle); // of the file itself where the path is a link
            if (length == 0)
            {
                handle.Dispose();
                throw new InvalidInputException($"{path} is empty");
            }
            var file = MemoryMappedFile.CreateFromFile(
                handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            var mapped = new MappedFile(path, length, file, file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read));
            if (scattered) MemoryAdvice.Random(mapped.Pointer, (nuint)length);
            return mapped;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Maps the file behind a handle, whatever has its name meanwhile. The handle stays the caller's.</summary>
    /// <exception cref="InvalidInputException">The file is empty.</exception>
    public static MappedFile Open(SafeFileHandle handle, string path)
    {
        long length = RandomAccess.GetLength(handle);
        if (length == 0) throw new InvalidInputException($"{path} is empty");
        var file = MemoryMappedFile.CreateFromFile(
            handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        return new MappedFile(path, length, file, file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read));
    }

    /// <summary>The bytes [offset, offset + length), checked against the file's length.</summary>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_pointer == null, this);
        if (offset < 0 || length < 0 || offset > Length - length)
            throw new InvalidInputException(
                $"{Path}: bytes {offset}..{offset + length} lie outside its {Length} bytes (truncated or damaged file)");
        return new ReadOnlySpan<byte>(_pointer + offset, length);
    }

    /// <summary>A hint that a range's pages are not needed now; they may be read again. Does nothing where there is no such call.</summary>
    public void Release(long offset, long length)
    {
        if (Pages(offset, length, out byte* start, out nuint bytes)) MemoryAdvice.DontNeed(start, bytes);
    }

    /// <summary>
    /// Asks for the pages of a range, and no others, before they are touched; does not wait. A hint, as <see cref="Release"/> is.
    /// </summary>
    public void ReadAhead(long offset, long length)
    {
        if (Pages(offset, length, out byte* start, out nuint bytes)) MemoryAdvice.WillNeed(start, bytes);
    }

    public void Dispose()
    {
        if (_pointer == null) return;
        _pointer = null;
        _view!.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file!.Dispose();
    }

    /// <summary>The range from the start of its first page on; false where there is nothing of it.</summary>
    private bool Pages(long offset, long length, out byte* start, out nuint bytes)
    {
        long page = Environment.SystemPageSize, first = Math.Clamp(offset, 0, Length) / page * page,
            end = Math.Clamp(offset + length, 0, Length);
        start = _pointer + first;
        bytes = (nuint)Math.Max(0, end - first);
        return _pointer != null && end > first;
    }
}
