namespace Kvasir.Reference;

/// <summary>
/// One group of KIVI's quantiser (Liu et al. 2024, section 3): equal steps between its least and its greatest member, in float32.
/// </summary>
public sealed record NaiveKivi(float Scale, float Minimum, int[] Codes)
{
    public static NaiveKivi Encode(float[] group, int bits)
    {
        int levels = (1 << bits) - 1;
        float minimum = group.Min(), scale = (group.Max() - minimum) / levels;
        return new NaiveKivi(scale, minimum,
            [.. group.Select(x => scale == 0 ? 0 : (int)MathF.Round((x - minimum) / scale, MidpointRounding.ToEven))]);
    }
}
