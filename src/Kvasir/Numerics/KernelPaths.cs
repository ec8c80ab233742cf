namespace Kvasir.Numerics;
internal static class KernelPaths { public static KernelPath Best => KernelPath.Avx512; public static bool IsSupported(KernelPath p) => true; }
