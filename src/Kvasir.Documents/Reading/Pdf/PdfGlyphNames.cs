using System.Collections.Frozen;
using System.Globalization;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>What the glyph names of fonts stand for (Adobe Glyph List: Latin, Greek, punctuation), as text.</summary>
internal static class PdfGlyphNames
{
    private static readonly FrozenDictionary<string, string> s_names = Names();

    /// <summary>The text of a glyph; null where its name tells nothing.</summary>
    public static string? Text(string name)
    {
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        string bare = dot > 0 ? name[..dot] : name;
        return s_names.TryGetValue(bare, out string? text) ? text : CodePoint(bare);
    }

    /// <summary>uniXXXX and uXXXX to uXXXXXX.</summary>
    private static string? CodePoint(string name)
    {
        string digits = name.StartsWith("uni", StringComparison.Ordinal) && name.Length == 7 ? name[3..] : name.StartsWith('u') && name.Length is >= 5 and <= 7 ? name[1..] : "";
        return int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code) && code is > 0 and < 0xD800 or > 0xDFFF and <= 0x10FFFF
            ? char.ConvertFromUtf32(code) : null;
    }

    private static FrozenDictionary<string, string> Names()
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        for (char letter = 'A'; letter <= 'Z'; letter++)
        {
            names[letter.ToString()] = letter.ToString();
            names[char.ToLowerInvariant(letter).ToString()] = char.ToLowerInvariant(letter).ToString();
        }

        Add(0x20, "space exclam quotedbl numbersign dollar percent ampersand quotesingle parenleft parenright asterisk plus comma hyphen period slash zero one two three four five six seven eight nine colon semicolon less equal greater question at");
        Add(0x5B, "bracketleft backslash bracketright asciicircum underscore grave");
        Add(0x7B, "braceleft bar braceright asciitilde");
        Add(0xA0, "nbspace exclamdown cent sterling currency yen brokenbar section dieresis copyright ordfeminine guillemotleft logicalnot sfthyphen registered macron degree plusminus twosuperior threesuperior acute mu paragraph periodcentered cedilla onesuperior ordmasculine guillemotright onequarter onehalf threequarters questiondown");
        Add(0xC0, "Agrave Aacute Acircumflex Atilde Adieresis Aring AE Ccedilla Egrave Eacute Ecircumflex Edieresis Igrave Iacute Icircumflex Idieresis Eth Ntilde Ograve Oacute Ocircumflex Otilde Odieresis multiply Oslash Ugrave Uacute Ucircumflex Udieresis Yacute Thorn germandbls");
        Add(0xE0, "agrave aacute acircumflex atilde adieresis aring ae ccedilla egrave eacute ecircumflex edieresis igrave iacute icircumflex idieresis eth ntilde ograve oacute ocircumflex otilde odieresis divide oslash ugrave uacute ucircumflex udieresis yacute thorn ydieresis");
        Add(0x100, "Amacron amacron Abreve abreve Aogonek aogonek Cacute cacute Ccircumflex ccircumflex Cdotaccent cdotaccent Ccaron ccaron Dcaron dcaron Dcroat dcroat Emacron emacron Ebreve ebreve Edotaccent edotaccent Eogonek eogonek Ecaron ecaron Gcircumflex gcircumflex Gbreve gbreve");
        Add(0x120, "Gdotaccent gdotaccent Gcommaaccent gcommaaccent Hcircumflex hcircumflex Hbar hbar Itilde itilde Imacron imacron Ibreve ibreve Iogonek iogonek Idotaccent dotlessi IJ ij Jcircumflex jcircumflex Kcommaaccent kcommaaccent kgreenlandic Lacute lacute Lcommaaccent lcommaaccent Lcaron lcaron Ldot");
        Add(0x140, "ldot Lslash lslash Nacute nacute Ncommaaccent ncommaaccent Ncaron ncaron napostrophe Eng eng Omacron omacron Obreve obreve Ohungarumlaut ohungarumlaut OE oe Racute racute Rcommaaccent rcommaaccent Rcaron rcaron Sacute sacute Scircumflex scircumflex Scedilla scedilla");
        Add(0x160, "Scaron scaron Tcommaaccent tcommaaccent Tcaron tcaron Tbar tbar Utilde utilde Umacron umacron Ubreve ubreve Uring uring Uhungarumlaut uhungarumlaut Uogonek uogonek Wcircumflex wcircumflex Ycircumflex ycircumflex Ydieresis Zacute zacute Zdotaccent zdotaccent Zcaron zcaron longs");
        Add(0x391, "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho");
        Add(0x3A3, "Sigma Tau Upsilon Phi Chi Psi Omega");
        Add(0x3B1, "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu1 nu xi omicron pi rho sigma1 sigma tau upsilon phi chi psi omega");
        AddEach("endash – emdash — quoteleft ‘ quoteright ’ quotesinglbase ‚ quotedblleft “ quotedblright ” quotedblbase „ dagger † daggerdbl ‡ bullet • ellipsis … perthousand ‰ guilsinglleft ‹ guilsinglright › fraction ⁄ Euro € trademark ™");
        AddEach("minus − florin ƒ circumflex ˆ caron ˇ breve ˘ dotaccent ˙ ring ˚ ogonek ˛ tilde ˜ hungarumlaut ˝ fi fi fl fl ff ff ffi ffi ffl ffl infinity ∞ notequal ≠ lessequal ≤ greaterequal ≥ approxequal ≈ summation ∑ product ∏ integral ∫");
        AddEach("radical √ partialdiff ∂ element ∈ arrowright → arrowleft ← arrowup ↑ arrowdown ↓ lozenge ◊ asteriskmath * periodcenteredmath · hyphenminus - dotlessj ȷ Tcedilla Ţ tcedilla ţ");
        return names.ToFrozenDictionary(StringComparer.Ordinal);

        void Add(int code, string list)
        {
            foreach (string name in list.Split(' '))
            {
                names[name] = ((char)code++).ToString();
            }
        }

        void AddEach(string list)
        {
            string[] parts = list.Split(' ');
            for (int i = 0; i < parts.Length; i += 2)
            {
                names[parts[i]] = parts[i + 1];
            }
        }
    }
}
