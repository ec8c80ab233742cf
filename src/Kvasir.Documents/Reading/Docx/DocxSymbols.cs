namespace Kvasir.Documents.Reading.Docx;

/// <summary>
/// Characters of fonts that draw pictures in the place of letters, as Unicode has them: <c>w:sym</c> names a font and a place in it, by
/// custom from F000 on.
/// </summary>
internal static class DocxSymbols
{
    private const int PrivateUse = 0xF000, LastPrivateUse = 0xF0FF;

    /// <summary>From A and from a on.</summary>
    private const string GreekCapitals = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", GreekLetters = "αβχδεφγηιϕκλμνοπθρστυϖωξψζ";

    private static readonly Dictionary<int, string> s_symbol = Places(
        "A2′ A3≤ A5∞ AB↔ AC← AD↑ AE→ AF↓ B0° B1± B2″ B3≥ B4× B6∂ B7• B8÷ B9≠ BA≡ BB≈ BC… C5⊕ C6∅ C7∩ C8∪ CE∈ "
        + "D1∇ D5∏ D6√ DE⇒ E5∑ F2∫");

    private static readonly Dictionary<int, string> s_wingdings = Places(
        "28☎ 2A✉ 4A☺ 4C☹ 6C● 6E■ 6F□ 71❑ 76❖ 9F• A7▪ A8☐ D8➢ DF← E0→ E8➔ FB✗ FC✓ FD☒ FE☑");

    /// <summary>A box that is checked or not.</summary>
    public static string Box(bool isChecked) => isChecked ? "☒" : "☐";

    /// <summary>The text of a symbol; empty where it is not known what it shows.</summary>
    /// <param name="font">The font's name.</param>
    /// <param name="place">Its place in the font, hexadecimal.</param>
    public static string Text(string? font, string? place)
    {
        if (!int.TryParse(place, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)) return "";
        bool isOfFont = code is >= PrivateUse and <= LastPrivateUse;
        return font switch
        {
            "Symbol" => Symbol(isOfFont ? code - PrivateUse : code),
            "Wingdings" => s_wingdings.GetValueOrDefault(isOfFont ? code - PrivateUse : code, ""),
            _ => !isOfFont && Rune.IsValid(code) && !Rune.IsControl(new Rune(code)) ? new Rune(code).ToString() : "",
        };
    }

    private static string Symbol(int code) => code switch
    {
        >= 'A' and <= 'Z' => GreekCapitals.Substring(code - 'A', 1),
        >= 'a' and <= 'z' => GreekLetters.Substring(code - 'a', 1),
        >= ' ' and <= '?' => ((char)code).ToString(),
        _ => s_symbol.GetValueOrDefault(code, ""),
    };

    /// <summary>Reads places of two hexadecimal digits, each with its character behind it.</summary>
    private static Dictionary<int, string> Places(string list) =>
        list.Split(' ').ToDictionary(
            place => int.Parse(place[..2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture), place => place[2..]);
}
