using Kvasir.Quantization;

namespace Kvasir.Calibration;

/// <summary>The codecs that <c>auto</c> chooses from, besides float16; the first of each list is the one that is measured.</summary>
internal static class CandidateCodecs
{
    /// <summary>Float16: the codec that does no damage.</summary>
    public const string Exact = "f16";

    public static IReadOnlyList<QuantizedFormat> Keys(int scaleBits) => [new(2, 32, scaleBits), new(2, 16, scaleBits), .. Finer(scaleBits)];

    public static IReadOnlyList<QuantizedFormat> Values(int scaleBits) => [new(2, 32, scaleBits), .. Finer(scaleBits)];

    private static QuantizedFormat[] Finer(int scaleBits) => [new(3, 32, scaleBits), new(4, 32, scaleBits), new(8, 32, scaleBits)];
}
