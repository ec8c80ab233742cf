using System.Text.RegularExpressions;
using UglyToad.PdfPig;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Filters;
using UglyToad.PdfPig.Parser.Parts;
using UglyToad.PdfPig.Tokenization.Scanner;
using UglyToad.PdfPig.Tokens;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>
/// The resources that text needs: no patterns, shadings and colours, and Unicode maps without the entries that say nothing (the font's encoding
/// is then asked instead) or that are made to exhaust memory.
/// </summary>
internal sealed partial class PdfResources(IPdfTokenScanner scanner, ILookupFilterProvider filters, PdfLayers layers)
{
    /// <summary>The properties that stand for those of a hidden layer.</summary>
    public static readonly DictionaryToken Hidden =
        new(new Dictionary<NameToken, IToken> { [NameToken.Create("Hidden")] = BooleanToken.True });

    /// <summary>Codes of one map, and digits of one entry's text, at most.</summary>
    private const long MostCodes = 1 << 17, LongestText = 256;

    private readonly Dictionary<DictionaryToken, DictionaryToken> _known = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<IndirectReference> _maps = [];

    public DictionaryToken OfText(DictionaryToken resources)
    {
        if (!_known.TryGetValue(resources, out DictionaryToken? kept))
        {
            kept = resources.Without(NameToken.Pattern).Without(NameToken.Shading).Without(NameToken.ColorSpace);
            if (resources.TryGet(NameToken.Properties, scanner, out DictionaryToken? properties))
            {
                var shown = properties.Data.ToDictionary(entry => NameToken.Create(entry.Key), entry => layers.IsHidden(entry.Value) ? Hidden : entry.Value);
                kept = kept.With(NameToken.Properties, new DictionaryToken(shown));
            }

            _known[resources] = kept;
            foreach (IToken font in resources.TryGet(NameToken.Font, scanner, out DictionaryToken? fonts) ? fonts.Data.Values : [])
                CleanMap(font);
        }

        return kept;
    }

    private void CleanMap(IToken font)
    {
        if (DirectObjectFinder.TryGet(font, scanner, out DictionaryToken? entries)
            && entries.TryGet(NameToken.ToUnicode, out IToken? token) && token is IndirectReferenceToken map
            && _maps.Add(map.Data) && DirectObjectFinder.TryGet(map, scanner, out StreamToken? stream))
        {
            string text = Encoding.Latin1.GetString(stream.Decode(filters, scanner).Span);
            scanner.ReplaceToken(map.Data, new StreamToken(DictionaryToken.Empty, Encoding.Latin1.GetBytes(Clean(text))));
        }
    }

    private static string Clean(string map)
    {
        long codes = 0;
        return Section().Replace(map, section => $"65536 begin{section.Groups["kind"]}{Entries(section)}end{section.Groups["kind"]}");

        string Entries(Match section)
        {
            Regex form = section.Groups["kind"].Value == "bfchar" ? Character() : Range();
            return form.Replace(section.Groups["entries"].Value, entry => IsOfUse(entry, ref codes) ? entry.Value : "");
        }
    }

    private static bool IsOfUse(Match entry, ref long codes)
    {
        string text = entry.Groups["text"].Value;
        long range = entry.Groups["last"].Success ? Code(entry.Groups["last"].Value) - Code(entry.Groups["first"].Value) + 1 : 1;
        bool isPrivate = text.Length == 4 && Code(text) is >= 0xE000 and < 0xF900;
        bool says = !entry.Groups["text"].Success || (text.AsSpan().ContainsAnyExcept("0 \r\n") && !isPrivate);
        bool bounded = range > 0 && range + codes <= MostCodes && text.Length <= LongestText;
        codes += says && bounded ? range : 0;
        return says && bounded;
    }

    private static long Code(string digits) =>
        long.TryParse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out long code) ? code : long.MaxValue / 2;

    [GeneratedRegex(@"(\d+\s+)?begin(?<kind>bfchar|bfrange)(?<entries>.*?)end\k<kind>", RegexOptions.Singleline)]
    private static partial Regex Section();

    [GeneratedRegex("<[^<>]*>\\s*<(?<text>[^<>]*)>")]
    private static partial Regex Character();

    [GeneratedRegex("<(?<first>[^<>]*)>\\s*<(?<last>[^<>]*)>\\s*(<(?<text>[^<>]*)>|\\[[^\\]]*\\])")]
    private static partial Regex Range();
}
