namespace Kvasir.Documents.Retrieval;

/// <summary>
/// How often each word stands in a text. A word is a run of letters, marks and digits, lower-cased; a character of a script written without
/// spaces is a word by itself. Words are kept as 32-bit hashes (FNV-1a): in a vocabulary of 100,000 about one pair is mistaken for the same.
/// </summary>
internal sealed class TermCounts
{
    private TermCounts(uint[] terms, ushort[] counts)
    {
        Terms = terms;
        Counts = counts;
    }

    /// <summary>The distinct terms, in the order of their first occurrence.</summary>
    public uint[] Terms { get; }

    /// <summary>How often each occurs.</summary>
    public ushort[] Counts { get; }

    /// <summary>Words in the text.</summary>
    public int Length => Counts.Sum(count => count);

    public static TermCounts Of(string text)
    {
        var counts = new Dictionary<uint, ushort>();
        uint hash = FnvStart;
        bool inWord = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool alone = IsWide(rune);
            if (inWord && (alone || !IsWordPart(rune)))
            {
                Add(counts, hash);
                inWord = false;
            }

            if (alone) Add(counts, Step(FnvStart, rune));
            else if (IsWordPart(rune))
            {
                hash = Step(inWord ? hash : FnvStart, Rune.ToLowerInvariant(rune));
                inWord = true;
            }
        }

        if (inWord) Add(counts, hash);

        return new TermCounts([.. counts.Keys], [.. counts.Values]);
    }

    private const uint FnvStart = 2166136261;

    private static uint Step(uint hash, Rune rune)
    {
        uint value = (uint)rune.Value;
        for (int shift = 0; shift < 24; shift += 8) hash = (hash ^ (value >> shift & 0xFF)) * 16777619;

        return hash;
    }

    private static void Add(Dictionary<uint, ushort> counts, uint term)
    {
        ref ushort count = ref CollectionsMarshal.GetValueRefOrAddDefault(counts, term, out _);
        count += count < ushort.MaxValue ? (ushort)1 : (ushort)0;
    }

    private static bool IsWordPart(Rune rune) => Rune.IsLetterOrDigit(rune)
        || Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark;

    private static bool IsWide(Rune rune) => rune.Value is >= 0x3040 and <= 0x30FF or >= 0x3400 and <= 0x4DBF or >= 0x4E00 and <= 0x9FFF or >= 0x20000 and <= 0x323AF;
}
