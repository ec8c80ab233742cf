namespace Kvasir.Quantization;

/// <summary>Asymmetric group quantisation of keys or values: KIVI's (Liu et al. 2024), and with 8 bits <c>q8</c>.</summary>
/// <param name="Bits">Bits of a code: 2, 3, 4 or 8.</param>
/// <param name="Group">Values that share a scale and a minimum: 16 or 32.</param>
/// <param name="ScaleBits">Bits in which scale and minimum are kept: 8, 16 (float16) or 32 (float32).</param>
internal readonly record struct QuantizedFormat(int Bits, int Group, int ScaleBits)
{
    public const int DefaultGroup = 32, DefaultScaleBits = 8;

    /// <summary>Names of the grammar.</summary>
    public static IReadOnlyList<string> Names { get; } = ["q8", "kivi4", "kivi3", "kivi2"];

    /// <summary>The largest code.</summary>
    public int Levels => (1 << Bits) - 1;

    /// <summary>The name in the policy grammar, without group and scale.</summary>
    public string Name => Bits == 8 ? "q8" : string.Create(CultureInfo.InvariantCulture, $"kivi{Bits}");

    /// <summary>The whole description, as files carry it: <c>kivi2/16/8</c> is 2 bits in groups of 16 with 8-bit scales.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}/{Group}/{ScaleBits}");

    /// <summary>Reads what <see cref="ToString"/> gives; null where it is anything else.</summary>
    public static QuantizedFormat? Parse(string text)
    {
        foreach (int bits in (ReadOnlySpan<int>)[2, 3, 4, 8])
            foreach (int group in (ReadOnlySpan<int>)[16, 32])
                foreach (int scaleBits in (ReadOnlySpan<int>)[8, 16, 32])
                    if (new QuantizedFormat(bits, group, scaleBits) is var format && format.ToString() == text) return format;
        return null;
    }
}
