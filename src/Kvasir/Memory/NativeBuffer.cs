using System.Runtime.InteropServices;

namespace Kvasir.Memory;

/// <summary>Native memory of a fixed length in bytes, 64-byte aligned, zeroed unless asked otherwise; freed on dispose or finalisation.</summary>
internal sealed unsafe partial class NativeBuffer : IDisposable
{
    public const int Alignment = 64;

    /// <summary>Buffers from this size on ask the system for huge pages: long streams then miss the translation cache less.</summary>
    private const int HugePage = 2 << 20, AdviceHugePage = 14;

    private byte* _pointer;

    public NativeBuffer(long length, bool clear = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        bool huge = length >= HugePage;
        _pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(length, 1), (nuint)(huge ? HugePage : Alignment));
        if (huge && OperatingSystem.IsLinux()) _ = MemoryAdvise(_pointer, (nuint)length, AdviceHugePage);
        if (clear) NativeMemory.Clear(_pointer, (nuint)length);
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
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MemoryAdvise(void* address, nuint length, int advice);
}
