using Microsoft.Win32.SafeHandles;

namespace Kvasir.Memory;

/// <summary>What the operating system keeps of files in memory.</summary>
internal static partial class PageCache
{
    private const int DontNeedAdvice = 4;

    /// <summary>
    /// Lets the system forget a file's pages, so that the next read comes from the disk: for measuring. Mapped pages stay.
    /// False where there is no such call.
    /// </summary>
    public static bool Drop(string path)
    {
        if (!OperatingSystem.IsLinux()) return false;
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        RandomAccess.FlushToDisk(file); // pages that are not written yet cannot be dropped
        return Advise(file, 0, 0, DontNeedAdvice) == 0;
    }

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(SafeFileHandle file, nint offset, nint length, int advice);
}
