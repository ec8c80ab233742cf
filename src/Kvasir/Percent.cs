namespace Kvasir;

/// <summary>Shares as users write them: <c>15%</c>.</summary>
internal static class Percent
{
    /// <summary>Reads a share above 0% and up to 100%.</summary>
    public static bool TryParse(string text, out double share)
    {
        bool isNumber = double.TryParse(
            text.AsSpan(0, Math.Max(0, text.Length - 1)), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double percent);
        share = percent / 100;
        return isNumber && text.EndsWith('%') && percent is > 0 and <= 100;
    }
}
