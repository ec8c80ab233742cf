using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Kvasir.Documents.Storage;

/// <summary>Reads a file in order through one buffer that grows to the largest piece asked for.</summary>
internal sealed class FileWindow(SafeFileHandle file) : IDisposable
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(1 << 20);
    private long _start;
    private int _filled;

    /// <summary>The file's length when reading began.</summary>
    public long Length { get; } = RandomAccess.GetLength(file);

    /// <summary>Bytes [offset, offset + length), which must lie in the file; valid until the next call.</summary>
    public ReadOnlySpan<byte> Read(long offset, int length)
    {
        if (offset < _start || offset + length > _start + _filled) Fill(offset, length);

        return _buffer.AsSpan((int)(offset - _start), length);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private void Fill(long offset, int length)
    {
        if (_buffer.Length < length)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = ArrayPool<byte>.Shared.Rent(length);
        }

        _start = offset;
        _filled = 0;
        while (_filled < _buffer.Length && RandomAccess.Read(file, _buffer.AsSpan(_filled), offset + _filled) is > 0 and int read)
            _filled += read;

        // Shortened by a writer since it was opened: what is missing reads as zeros, which no checksum accepts.
        if (_filled < length)
        {
            _buffer.AsSpan(_filled, length - _filled).Clear();
            _filled = length;
        }
    }
}
