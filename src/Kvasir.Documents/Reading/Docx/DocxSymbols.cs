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

    private static readonly Dictionary<int, string> s_symbol = new()
    {
        [0xA2] = "′", [0xA3] = "≤", [0xA5] = "∞", [0xAB] = "↔", [0xAC] = "←", [0xAD] = "↑", [0xAE] = "→", [0xAF] = "↓", [0xB0] = "°",
        [0xB1] = "±", [0xB2] = "″", [0xB3] = "≥", [0xB4] = "×", [0xB6] = "∂", [0xB7] = "•", [0xB8] = "÷", [0xB9] = "≠", [0xBA] = "≡",
        [0xBB] = "≈", [0xBC] = "…", [0xC5] = "⊕", [0xC6] = "∅", [0xC7] = "∩", [0xC8] = "∪", [0xCE] = "∈", [0xD1] = "∇", [0xD5] = "∏",
        [0xD6] = "√", [0xDE] = "⇒", [0xE5] = "∑", [0xF2] = "∫",
    };

    private static readonly Dictionary<int, string> s_wingdings = new()
    {
        [0x28] = "☎", [0x2A] = "✉", [0x4A] = "☺", [0x4C] = "☹", [0x6C] = "●", [0x6E] = "■", [0x6F] = "□", [0x71] = "❑", [0x76] = "❖",
        [0x9F] = "•", [0xA7] = "▪", [0xA8] = "☐", [0xD8] = "➢", [0xDF] = "←", [0xE0] = "→", [0xE8] = "➔", [0xFB] = "✗", [0xFC] = "✓",
        [0xFD] = "☒", [0xFE] = "☑",
    };

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
}
