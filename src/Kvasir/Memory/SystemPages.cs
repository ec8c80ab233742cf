namespace Kvasir.Memory;

/// <summary>
/// Memory straight from the operating system: zeroed without being touched, and given back when it is freed. The allocator of the C library
/// keeps what large buffers leave behind, and writes zeros over it before it hands it out again.
/// </summary>
internal static unsafe partial class SystemPages
{
    private const int ReadWrite = 3, PrivateAnonymous = 0x22;

    private const nint Failed = -1;

    /// <summary>Whether there is such memory on this system.</summary>
    public static bool Available => OperatingSystem.IsLinux();

    /// <exception cref="InsufficientMemoryException">The system has none left.</exception>
    public static void* Map(nuint length, nuint alignment)
    {
        length = WholePages(length);
        nint start = Map(null, length + alignment, ReadWrite, PrivateAnonymous, -1, 0);
        if (start == Failed) throw new InsufficientMemoryException($"the system gives no {length:N0} bytes of memory");
        nuint first = (nuint)start, aligned = (first + alignment - 1) & ~(alignment - 1), end = first + length + alignment;
        if (aligned > first) _ = Unmap((void*)first, aligned - first);
        if (end > aligned + length) _ = Unmap((void*)(aligned + length), end - aligned - length);
        return (void*)aligned;
    }

    /// <summary>Gives back what <see cref="Map(nuint, nuint)"/> gave.</summary>
    public static void Free(void* address, nuint length) => _ = Unmap(address, WholePages(length));

    private static nuint WholePages(nuint length) =>
        (length + (nuint)Environment.SystemPageSize - 1) & ~((nuint)Environment.SystemPageSize - 1);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Unmap(void* address, nuint length);
}
