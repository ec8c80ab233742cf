using System.Buffers;

namespace Kvasir.Documents.Reading;

/// <summary>
/// The text of a text file. A byte order mark decides its encoding; without one, UTF-16 and UTF-32 are known by their statistics, markup by
/// what it declares, and the rest is UTF-8, or Windows-1252 where it is none. Line breaks become "\n".
/// </summary>
internal static class TextDecoder
{
    /// <summary>One character in so many may be damaged or a control character; more of them are no text.</summary>
    private const int CharactersPerDamaged = 20;

    private const int SampleBytes = 1 << 16;

    private static readonly Encoding s_utf8 = new UTF8Encoding(true, throwOnInvalidBytes: true);

    /// <summary>The longer marks first: that of UTF-16 begins one of UTF-32.</summary>
    private static readonly (Encoding Encoding, string Name)[] s_unicode =
    [
        (new UTF32Encoding(bigEndian: false, byteOrderMark: true, throwOnInvalidCharacters: true), "UTF-32"),
        (new UTF32Encoding(bigEndian: true, byteOrderMark: true, throwOnInvalidCharacters: true), "UTF-32"),
        (new UnicodeEncoding(bigEndian: false, byteOrderMark: true, throwOnInvalidBytes: true), "UTF-16"),
        (new UnicodeEncoding(bigEndian: true, byteOrderMark: true, throwOnInvalidBytes: true), "UTF-16"),
        (s_utf8, "UTF-8"),
    ];

    private static readonly SearchValues<char> s_controls =
        SearchValues.Create([.. Enumerable.Range(0, 0xA0).Select(c => (char)c).Where(c => char.IsControl(c) && c is not ('\t' or '\n'))]);

    private static readonly SearchValues<char> s_unseen =
        SearchValues.Create(
            [.. Enumerable.Range(0, 0xA0).Select(c => (char)c).Where(s_controls.Contains), '\u00AD', '\u200B', '\u2060', '\uFEFF']);

    /// <summary>The text of bytes.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="notes">Told what was left out or guessed.</param>
    /// <param name="isMarkup">Whether the file may declare its encoding itself.</param>
    /// <param name="isRecords">Whether its lines are records: breaks of other kinds stand in their values, and become spaces.</param>
    /// <exception cref="UnreadableDocumentException">Empty, binary, or not in a known encoding.</exception>
    public static string Decode(ReadOnlySpan<byte> bytes, ICollection<string> notes, bool isMarkup = false, bool isRecords = false)
    {
        string text = Characters(bytes, notes, isMarkup).Replace('\v', '\f');
        if (isRecords) text = string.Join(' ', text.Split('\f', '\u0085', '\u2028', '\u2029'));
        text = text.ReplaceLineEndings("\n");
        int controls = text.Count(c => s_controls.Contains(c));
        // What a broken-off program left unwritten at the end is no sign of a binary file.
        int written = text.AsSpan().TrimEnd('\0').Length;
        if ((controls - (text.Length - written)) * CharactersPerDamaged > written || written == 0)
            throw new UnreadableDocumentException("a binary file, not text");
        Note(notes, controls, "control character left out", "control characters left out");
        return WithoutControls(text);
    }

    /// <summary>
    /// Text that a terminal can show: without control characters, and without those that only say where a line may be broken.
    /// </summary>
    public static string WithoutControls(string text) =>
        text.AsSpan().ContainsAny(s_unseen) ? string.Concat(text.Where(c => !s_unseen.Contains(c))) : text;

    private static string Characters(ReadOnlySpan<byte> bytes, ICollection<string> notes, bool isMarkup)
    {
        foreach ((Encoding encoding, string name) in s_unicode)
        {
            if (bytes.StartsWith(encoding.Preamble)) return Decode(encoding, name, bytes[encoding.Preamble.Length..], notes);
        }

        if (bytes.IsEmpty) throw new UnreadableDocumentException("the file is empty");
        if (Unmarked(bytes) is { } unicode) return Decode(unicode.Encoding, unicode.Name, bytes, notes);
        bool isUtf8 = System.Text.Unicode.Utf8.IsValid(bytes);
        if (isMarkup && DeclaredEncoding.Of(bytes) is { } declared && !(isUtf8 && declared.IsSingleByte && !Ascii.IsValid(bytes)))
        {
            try
            {
                return declared.GetString(bytes);
            }
            catch (DecoderFallbackException)
            {
                // It is not what it says; judged by its bytes then.
            }
        }

        return isUtf8 || !IsWestern(bytes) ? Decode(s_utf8, "UTF-8", bytes, notes) : Western(bytes, notes);
    }

    private static string Decode(Encoding encoding, string name, ReadOnlySpan<byte> bytes, ICollection<string> notes)
    {
        if (bytes.IsEmpty) throw new UnreadableDocumentException("the file is empty");
        try
        {
            return encoding.GetString(bytes);
        }
        catch (DecoderFallbackException error)
        {
            string text = Encoding.GetEncoding(encoding.CodePage).GetString(bytes);
            int damaged = text.Count(c => c == '\uFFFD');
            Note(notes, damaged, "damaged character", "damaged characters");
            return damaged * CharactersPerDamaged > text.Length
                ? throw new UnreadableDocumentException($"not {name} text (byte {error.Index}); convert it to UTF-8") : text;
        }
    }

    private static string Western(ReadOnlySpan<byte> bytes, ICollection<string> notes)
    {
        notes.Add("read as Windows-1252, since it is not UTF-8; convert it to UTF-8 if letters are wrong");
        return DeclaredEncoding.Named("windows-1252")!.GetString(bytes);
    }

    /// <summary>
    /// Whether bytes that are not UTF-8 look like a western language in one byte a character: mostly unaccented letters, and no more of
    /// UTF-8 than of damage to it.
    /// </summary>
    private static bool IsWestern(ReadOnlySpan<byte> bytes)
    {
        int letters = 0, high = 0;
        foreach (byte b in bytes)
        {
            letters += char.IsAsciiLetter((char)b) ? 1 : 0;
            high += b >= 0x80 ? 1 : 0;
        }

        string text = Encoding.UTF8.GetString(bytes);
        int damaged = text.Count(c => c == '\uFFFD');
        return high * 3 <= letters && text.Count(c => c >= 0x80) - damaged < damaged;
    }

    /// <summary>
    /// UTF-16 or UTF-32 without a mark: nothing but characters that text has, of which neighbours share their higher byte or are spaces
    /// more often than by chance.
    /// </summary>
    private static (Encoding Encoding, string Name)? Unmarked(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> sample = bytes[..Math.Min(bytes.Length, SampleBytes)];
        if (!sample.ContainsAnyInRange((byte)0, (byte)8) || IsNarrow(bytes)) return null;
        (double score, int best) = (0, 0);
        for (int i = 0; i < 4; i++)
        {
            int whole = sample.Length & ~3;
            double other = TextScore(
                Encoding.GetEncoding(s_unicode[i].Encoding.CodePage).GetString(bytes[..(whole > 0 ? whole : bytes.Length & ~1)]));
            (score, best) = other > score ? (other, i) : (score, best);
        }

        return score > 0.02 ? s_unicode[best] : null;
    }

    /// <summary>
    /// Whether characters are of one byte or UTF-8, a stray NUL among them: nearly all is ASCII, of which UTF-16 has at most some two
    /// thirds; or it is UTF-8 with few bytes that stand in no text, which are at least a fifth of UTF-16 that is UTF-8 by chance.
    /// </summary>
    private static bool IsNarrow(ReadOnlySpan<byte> bytes)
    {
        int ascii = 0, stray = 0;
        foreach (byte b in bytes)
        {
            ascii += b is >= 0x20 and < 0x7F or (byte)'\t' or (byte)'\n' or (byte)'\r' ? 1 : 0;
            stray += b <= 8 ? 1 : 0;
        }

        return ascii * 10L > bytes.Length * 8L || stray * CharactersPerDamaged <= bytes.Length && System.Text.Unicode.Utf8.IsValid(bytes);
    }

    private static double TextScore(string text)
    {
        int like = 0, damaged = 0;
        for (int i = 0; i < text.Length; i++)
        {
            like += i > 0 && (text[i] >> 8 == text[i - 1] >> 8 || text[i] is ' ' or '\n' or '\u3001' or '\u3002') ? 1 : 0;
            damaged += text[i] == '\uFFFD' || s_controls.Contains(text[i]) && text[i] is not ('\r' or '\f')
                || char.GetUnicodeCategory(text[i]) is UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse ? 1 : 0;
        }

        return text.Length > 1 && damaged * CharactersPerDamaged <= text.Length ? (double)like / text.Length : 0;
    }

    private static void Note(ICollection<string> notes, int count, string one, string many)
    {
        if (count > 0) notes.Add(string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many)}"));
    }
}
