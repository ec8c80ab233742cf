namespace Kvasir.Memory;

/// <summary>Hints to the operating system about ranges of memory; they do nothing where there is no such call.</summary>
internal static unsafe partial class MemoryAdvice
{
    private const int RandomAdvice = 1, WillNeedAdvice = 3, DontNeedAdvice = 4, HugePageAdvice = 14;

    private const nint CurrentProcess = -1;

    /// <summary>The pages are not needed in memory now; those of a mapped file are read again when touched.</summary>
    public static void DontNeed(void* address, nuint length)
    {
        if (OperatingSystem.IsLinux()) _ = MemoryAdvise(address, length, DontNeedAdvice);
    }

    /// <summary>The range is best held in huge pages.</summary>
    public static void HugePages(void* address, nuint length)
    {
        if (OperatingSystem.IsLinux()) _ = MemoryAdvise(address, length, HugePageAdvice);
    }

    /// <summary>A page that is touched is to be read alone: its neighbours (the system would read 128 kB) may never be needed.</summary>
    public static void Random(void* address, nuint length)
    {
        if (HasAdvice) _ = MemoryAdvise(address, length, RandomAdvice);
    }

    /// <summary>The pages will be needed soon: starts reading those that are not in memory, no others, without waiting.</summary>
    public static void WillNeed(void* address, nuint length)
    {
        if (HasAdvice) _ = MemoryAdvise(address, length, WillNeedAdvice);
        else if (OperatingSystem.IsWindowsVersionAtLeast(6, 2)) _ = PrefetchMemory(CurrentProcess, 1, new MemoryRange(address, length), 0);
    }

    private static bool HasAdvice => OperatingSystem.IsLinux() || OperatingSystem.IsMacOS() || OperatingSystem.IsFreeBSD();

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MemoryAdvise(void* address, nuint length, int advice);

    [LibraryImport("kernel32", EntryPoint = "PrefetchVirtualMemory")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int PrefetchMemory(nint process, nuint ranges, in MemoryRange range, uint flags);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct MemoryRange(void* address, nuint length)
    {
        private readonly void* _address = address;
        private readonly nuint _length = length;
    }
}
