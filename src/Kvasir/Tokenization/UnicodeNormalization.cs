namespace Kvasir.Tokenization;

/// <summary>Canonical normalisation (Unicode Standard, section 3.11): NFD and NFC. The runtime's own does nothing without ICU.</summary>
internal sealed class UnicodeNormalization
{
    private const int SyllableBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TrailBase = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TrailCount = 28, SyllableCount = LeadCount * VowelCount * TrailCount;

    private static readonly Lazy<UnicodeNormalization> s_instance = new(() => new UnicodeNormalization());

    private readonly Dictionary<int, int[]> _decompositions = [];
    private readonly Dictionary<(int First, int Second), int> _compositions = [];
    private readonly Dictionary<int, byte> _classes = [];
    private readonly HashSet<int> _seconds = [];

    private UnicodeNormalization()
    {
        using Stream stream = typeof(UnicodeNormalization).Assembly.GetManifestResourceStream("Kvasir.Tokenization.Unicode.canonical.txt")
            ?? throw new InvalidOperationException("The Unicode data is missing from the assembly.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            string[] fields = line.Split(' ');
            if (fields[0][0] == '@')
                AddClasses(byte.Parse(fields[0].AsSpan(1), CultureInfo.InvariantCulture), fields.AsSpan(1));
            else if (fields[0] != "#")
                AddDecomposition(Code(fields[0]), [.. fields.Skip(2).Select(field => Code(field))], composes: fields[1] == "=");
        }
    }

    /// <summary>Normalization form D; the text itself where it is so already.</summary>
    public static ReadOnlySpan<char> Decompose(ReadOnlySpan<char> text) => text.IndexOfAnyExceptInRange('\0', '\u00BF') < 0
        ? text
        : ToText(s_instance.Value.Decomposed(text));

    /// <summary>Normalization form C; the text itself where it is so already.</summary>
    public static ReadOnlySpan<char> Compose(ReadOnlySpan<char> text) => IsPlain(text) || s_instance.Value.IsComposed(text)
        ? text
        : ToText(s_instance.Value.Composed(s_instance.Value.Decomposed(text)));

    /// <summary>Below U+0300 nothing combines, and no composed character is excluded from composition.</summary>
    private static bool IsPlain(ReadOnlySpan<char> text) => text.IndexOfAnyExceptInRange('\0', '\u02FF') < 0;

    /// <summary>The quick check: nothing that combines with what is before it, and nothing that composition would not give back.</summary>
    private bool IsComposed(ReadOnlySpan<char> text)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            int code = rune.Value;
            if (code >= 0x300 && (_classes.ContainsKey(code) || _seconds.Contains(code) || IsVowelOrTrail(code)
                || (_decompositions.TryGetValue(code, out int[]? parts)
                    && (parts.Length != 2 || !_compositions.TryGetValue((parts[0], parts[1]), out int whole) || whole != code))))
            {
                return false;
            }
        }
        return true;
    }

    private List<int> Decomposed(ReadOnlySpan<char> text)
    {
        var codes = new List<int>(text.Length + 16);
        int sorted = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            AppendDecomposed(rune.Value, codes);
            for (; sorted < codes.Count; sorted++)
            {
                if (Class(codes[sorted]) == 0) SortMarks(codes, sorted);
            }
        }
        SortMarks(codes, codes.Count);
        return codes;
    }

    private void AppendDecomposed(int code, List<int> codes)
    {
        int syllable = code - SyllableBase;
        if (syllable is >= 0 and < SyllableCount)
        {
            codes.Add(LeadBase + (syllable / (VowelCount * TrailCount)));
            codes.Add(VowelBase + (syllable % (VowelCount * TrailCount) / TrailCount));
            if (syllable % TrailCount != 0) codes.Add(TrailBase + (syllable % TrailCount));
        }
        else if (_decompositions.TryGetValue(code, out int[]? parts))
        {
            foreach (int part in parts) AppendDecomposed(part, codes);
        }
        else codes.Add(code);
    }

    /// <summary>Puts the marks right before <paramref name="end"/> into canonical order, equals in the order they came.</summary>
    private void SortMarks(List<int> codes, int end)
    {
        int start = end;
        while (start > 0 && Class(codes[start - 1]) != 0) start--;
        if (end - start > 1)
        {
            int[] marks = [.. codes.GetRange(start, end - start).OrderBy(Class)];
            for (int i = 0; i < marks.Length; i++) codes[start + i] = marks[i];
        }
    }

    private List<int> Composed(List<int> codes)
    {
        int starter = -1;
        int lastClass = 0;
        int count = 0;
        for (int i = 0; i < codes.Count; i++)
        {
            int code = codes[i];
            int combiningClass = Class(code);
            bool blocked = count - 1 > starter && (lastClass == 0 || lastClass >= combiningClass);
            if (starter >= 0 && !blocked && Pair(codes[starter], code) is > 0 and int whole)
            {
                codes[starter] = whole;
                continue;
            }
            if (combiningClass == 0) starter = count;
            lastClass = combiningClass;
            codes[count++] = code;
        }
        codes.RemoveRange(count, codes.Count - count);
        return codes;
    }

    private int Pair(int first, int second)
    {
        if (first - LeadBase is >= 0 and < LeadCount && second - VowelBase is >= 0 and < VowelCount)
            return SyllableBase + ((((first - LeadBase) * VowelCount) + second - VowelBase) * TrailCount);
        if (first - SyllableBase is >= 0 and < SyllableCount && (first - SyllableBase) % TrailCount == 0
            && second - TrailBase is > 0 and < TrailCount)
            return first + second - TrailBase;
        return _compositions.GetValueOrDefault((first, second));
    }

    private static bool IsVowelOrTrail(int code) => code - VowelBase is >= 0 and < VowelCount || code - TrailBase is > 0 and < TrailCount;

    private int Class(int code) => code < 0x300 ? 0 : _classes.GetValueOrDefault(code);

    private void AddDecomposition(int code, int[] parts, bool composes)
    {
        _decompositions.Add(code, parts);
        if (composes)
        {
            _compositions.Add((parts[0], parts[1]), code);
            _seconds.Add(parts[1]);
        }
    }

    private void AddClasses(byte combiningClass, ReadOnlySpan<string> ranges)
    {
        foreach (string range in ranges)
        {
            string[] ends = range.Split('-');
            for (int code = Code(ends[0]); code <= Code(ends[^1]); code++) _classes.Add(code, combiningClass);
        }
    }

    private static int Code(string hex) => int.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static string ToText(List<int> codes)
    {
        var text = new StringBuilder(codes.Count + 16);
        Span<char> units = stackalloc char[2];
        foreach (int code in codes) text.Append(units[..new Rune(code).EncodeToUtf16(units)]);
        return text.ToString();
    }
}
