namespace Kvasir.Generation.Constraints;

/// <summary>
/// Ranges of code points as sequences of byte ranges: what their UTF-8 looks like. Surrogates, which have none, are left out.
/// </summary>
internal static class Utf8Ranges
{
    public const int LastCodePoint = 0x10FFFF;

    /// <summary>The last code points of one, two, three and four bytes.</summary>
    private static readonly int[] LastOfLength = [0x7F, 0x7FF, 0xFFFF, LastCodePoint];

    /// <summary>Each sequence has one to four byte ranges.</summary>
    public static IEnumerable<(byte First, byte Last)[]> Of(int first, int last)
    {
        if (first < 0xD800 && last > 0xDFFF) return Of(first, 0xD7FF).Concat(Of(0xE000, last));
        if (first is >= 0xD800 and <= 0xDFFF) first = 0xE000;
        if (last is >= 0xD800 and <= 0xDFFF) last = 0xD7FF;
        return first > last ? [] : LastOfLength.SelectMany((end, i) =>
            SameLength(Math.Max(first, i == 0 ? 0 : LastOfLength[i - 1] + 1), Math.Min(last, end), i + 1));
    }

    /// <summary>
    /// Splits until all bytes behind the first that differs go over all 64 continuations: then each byte's range is its own.
    /// </summary>
    private static IEnumerable<(byte, byte)[]> SameLength(int first, int last, int length)
    {
        if (first > last) yield break;
        for (int bits = 6; bits <= 6 * (length - 1); bits += 6)
        {
            int low = (1 << bits) - 1;
            if ((first & ~low) == (last & ~low)) continue;
            int cut = (first & low) != 0 ? first | low : (last & low) != low ? (last & ~low) - 1 : -1;
            if (cut < 0) continue;
            foreach ((byte, byte)[] part in SameLength(first, cut, length).Concat(SameLength(cut + 1, last, length))) yield return part;
            yield break;
        }

        byte[] from = Bytes(first), to = Bytes(last);
        yield return [.. from.Zip(to)];
    }

    private static byte[] Bytes(int codePoint) => Encoding.UTF8.GetBytes(char.ConvertFromUtf32(codePoint));
}
