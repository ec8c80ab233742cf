using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>Which <see cref="KernelPath"/> this machine takes.</summary>
internal static class KernelPaths
{
    /// <summary>Names a path to force.</summary>
    public const string Variable = "KVASIR_KERNELS";

    /// <summary>Paths that this CPU has, slowest first.</summary>
    public static IReadOnlyList<KernelPath> Supported { get; } = Array.FindAll(Enum.GetValues<KernelPath>(), IsSupported);

    public static bool IsSupported(KernelPath path) => path switch
    {
        KernelPath.Scalar => true,
        KernelPath.Vector128 => System.Runtime.Intrinsics.Vector128.IsHardwareAccelerated,
        KernelPath.NeonDot => Dp.IsSupported,
        KernelPath.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        KernelPath.AvxVnni => AvxVnni.IsSupported && Fma.IsSupported,
        KernelPath.Avx512 => Avx512BW.IsSupported && Fma.IsSupported,
        KernelPath.Avx512Vnni => IsSupported(KernelPath.Avx512) && IsSupported(KernelPath.AvxVnni),
#if NET11_0_OR_GREATER
        KernelPath.Avx512Dot => IsSupported(KernelPath.Avx512) && AvxVnni.V512.IsSupported,
#endif
        _ => false,
    };

    /// <summary>The path that <see cref="Variable"/> names, else the fastest of this CPU.</summary>
    /// <exception cref="InvalidInputException">The variable names no path, or one that this CPU lacks.</exception>
    public static KernelPath Choose() => Choose(Environment.GetEnvironmentVariable(Variable));

    internal static KernelPath Choose(string? name)
    {
        if (string.IsNullOrWhiteSpace(name)) return Supported[^1];
        foreach (var path in Enum.GetValues<KernelPath>())
        {
            if (!string.Equals(path.ToString(), name.Trim(), StringComparison.OrdinalIgnoreCase)) continue;
            return IsSupported(path)
                ? path : throw new InvalidInputException($"{Variable}={name}: this CPU lacks it; it has {Names(Supported)}");
        }
        throw new InvalidInputException($"{Variable}={name}: no such kernel path; use one of {Names(Supported)}");
    }

    private static string Names(IEnumerable<KernelPath> paths) =>
        string.Join(", ", paths.Select(path => path.ToString().ToLowerInvariant()));
}
