namespace Kvasir.Memory;

/// <summary>
/// Native memory of a fixed length in bytes, zeroed, 64-byte aligned; freed on dispose or finalisation.
/// Large buffers cost nothing until their pages are touched.
/// </summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    public const int Alignment = 64;

    private const int HugePage = 2 << 20;

    private readonly bool _mapped;
    private void* _allocated;
    private byte* _pointer;

    /// <param name="length">Bytes.</param>
    /// <param name="hugePages">Pages of 2 MB: fewer misses of address translation. Not where only a part is touched.</param>
    public NativeBuffer(long length, bool hugePages = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        hugePages &= length >= HugePage;
        nuint alignment = (nuint)(hugePages ? HugePage : Alignment);
        _mapped = length >= HugePage && SystemPages.Available;
        if (_mapped) _allocated = SystemPages.Map((nuint)length, Math.Max(alignment, (nuint)Environment.SystemPageSize));
        else _allocated = NativeMemory.AllocZeroed((nuint)length + alignment);
        _pointer = (byte*)(((nuint)_allocated + alignment - 1) & ~(alignment - 1));
        if (hugePages) MemoryAdvice.HugePages(_pointer, (nuint)length);
    }

    ~NativeBuffer() => Free();

    public long Length { get; }

    public byte* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_pointer == null, this);
            return _pointer;
        }
    }

    /// <summary>The <paramref name="count"/> elements from byte <paramref name="offset"/> on.</summary>
    public Span<T> Span<T>(long offset, int count) where T : unmanaged
    {
        if (offset < 0 || count < 0 || offset + (long)count * sizeof(T) > Length)
            throw new ArgumentOutOfRangeException(nameof(offset), $"{count} elements at {offset} of {Length} bytes");
        return new Span<T>(Pointer + offset, count);
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_mapped && _allocated != null) SystemPages.Free(_allocated, (nuint)Length);
        else NativeMemory.Free(_allocated);
        _allocated = null;
        _pointer = null;
    }
}
