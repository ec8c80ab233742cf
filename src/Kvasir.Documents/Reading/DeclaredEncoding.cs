using System.Text.RegularExpressions;

namespace Kvasir.Documents.Reading;

/// <summary>The encoding that an HTML or XML file declares in its first bytes, by any of the names that web browsers know.</summary>
internal static partial class DeclaredEncoding
{
    private const int HeadBytes = 4096;

    /// <summary>The encoding; null where none is declared or known. It throws at bytes that it does not have.</summary>
    public static Encoding? Of(ReadOnlySpan<byte> bytes)
    {
        string head = Comment().Replace(Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, HeadBytes)]), "");
        Match match = Declaration().Match(head);
        return match.Success ? Named(match.Groups["name"].Value) : null;
    }

    /// <summary>An encoding by its name on the web; null where it is not known.</summary>
    public static Encoding? Named(string label)
    {
        // Bytes in which a declaration can be read are not UTF-16, whatever it says; Latin-1 on the web is Windows-1252.
        string name = label.ToLowerInvariant() switch
        {
            "utf8" or "utf-8" or "unicode-1-1-utf-8" or "utf-16" or "utf-16le" or "utf-16be" or "unicode" or "utf-32" => "utf-8",
            "iso-8859-1" or "iso8859-1" or "iso_8859-1" or "iso88591" or "latin1" or "latin-1" or "l1" or "ascii" or "us-ascii" or "cp819" or "x-user-defined" => "windows-1252",
            "iso-8859-9" or "iso8859-9" or "latin5" => "windows-1254",
            "gb2312" or "gbk" or "gb_2312" or "gb_2312-80" or "x-gbk" or "chinese" => "gb18030",
            "windows-31j" or "ms_kanji" or "sjis" => "shift_jis",
            ['c', 'p', '1', '2', '5', _] cp => "windows-" + cp[2..],
            var other => other,
        };
        return name == "utf-8"
            ? new UTF8Encoding(false, throwOnInvalidBytes: true)
            : CodePagesEncodingProvider.Instance.GetEncoding(name, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);
    }

    [GeneratedRegex("<!--.*?-->", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex Comment();

    [GeneratedRegex("""(^\s*<\?xml\b[^>]*?\bencoding|<meta\b[^>]*?\bcharset)\s*=\s*["']?\s*(?<name>[\w.:-]+)""",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Declaration();
}
