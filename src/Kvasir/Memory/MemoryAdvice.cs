using System.Runtime.InteropServices;

namespace Kvasir.Memory;

/// <summary>Hints to the operating system about ranges of memory; they do nothing where there is no such call.</summary>
internal static unsafe partial class MemoryAdvice
{
    private const int WillNeedAdvice = 3, DontNeedAdvice = 4, HugePageAdvice = 14;

    /// <summary>The pages of a mapped file will be needed soon: reading them begins now, without waiting for it.</summary>
    public static void WillNeed(void* address, nuint length) => Advise(address, length, WillNeedAdvice);

    /// <summary>The pages are not needed in memory now; those of a mapped file are read again when touched.</summary>
    public static void DontNeed(void* address, nuint length) => Advise(address, length, DontNeedAdvice);

    /// <summary>The range is best held in huge pages.</summary>
    public static void HugePages(void* address, nuint length) => Advise(address, length, HugePageAdvice);

    private static void Advise(void* address, nuint length, int advice)
    {
        if (OperatingSystem.IsLinux()) _ = MemoryAdvise(address, length, advice);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MemoryAdvise(void* address, nuint length, int advice);
}
