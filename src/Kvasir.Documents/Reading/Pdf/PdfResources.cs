using System.Text.RegularExpressions;
using UglyToad.PdfPig;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Filters;
using UglyToad.PdfPig.Parser.Parts;
using UglyToad.PdfPig.Tokenization.Scanner;
using UglyToad.PdfPig.Tokens;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>
/// The resources that text needs: no patterns, shadings and colours, a usual font for one that is not there, and Unicode maps without the
/// entries that say nothing (the font's encoding is then asked instead).
/// </summary>
internal sealed partial class PdfResources(IPdfTokenScanner scanner, ILookupFilterProvider filters, PdfLayers layers)
{
    /// <summary>The properties that stand for those of a hidden layer.</summary>
    public static readonly DictionaryToken Hidden =
        new(new Dictionary<NameToken, IToken> { [NameToken.Create("Hidden")] = BooleanToken.True });

    private static readonly DictionaryToken s_usualFont = new(new Dictionary<NameToken, IToken>
    {
        [NameToken.Type] = NameToken.Font,
        [NameToken.Subtype] = NameToken.Type1,
        [NameToken.BaseFont] = NameToken.Create("Helvetica"),
        [NameToken.Encoding] = NameToken.WinAnsiEncoding,
    });

    private readonly Dictionary<DictionaryToken, DictionaryToken> _known = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<IndirectReference> _maps = [];

    public DictionaryToken OfText(DictionaryToken resources)
    {
        if (!_known.TryGetValue(resources, out DictionaryToken? kept))
        {
            kept = resources.Without(NameToken.Pattern).Without(NameToken.Shading).Without(NameToken.ColorSpace);
            if (resources.TryGet(NameToken.Properties, scanner, out DictionaryToken? properties))
            {
                var shown = properties.Data.ToDictionary(entry =>
                    NameToken.Create(entry.Key), entry => layers.IsHidden(entry.Value) ? Hidden : entry.Value);
                kept = kept.With(NameToken.Properties, new DictionaryToken(shown));
            }

            if (resources.TryGet(NameToken.Font, scanner, out DictionaryToken? fonts))
            {
                kept = kept.With(NameToken.Font, new DictionaryToken(
                    fonts.Data.ToDictionary(font => NameToken.Create(font.Key), font => IsThere(font.Value) ? font.Value : s_usualFont)));
                foreach (IToken font in fonts.Data.Values) CleanMap(font);
            }

            _known[resources] = kept;
        }

        return kept;
    }

    private bool IsThere(IToken font) =>
        font is not IndirectReferenceToken reference || scanner.Get(reference.Data) is { Data: not NullToken };

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

    private static string Clean(string map) => Section().Replace(map, section =>
    {
        Regex form = section.Groups["kind"].Value == "bfchar" ? Character() : Range();
        string entries = form.Replace(section.Groups["entries"].Value, entry => SaysNothing(entry.Groups["text"]) ? "" : entry.Value);
        return $"65536 begin{section.Groups["kind"]}{entries}end{section.Groups["kind"]}";
    });

    /// <summary>Zero, or a private character.</summary>
    private static bool SaysNothing(Group text) => text.Success && (!text.ValueSpan.ContainsAnyExcept("0 \r\n")
        || (text.Length == 4 && int.TryParse(text.ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int code)
            && code is >= 0xE000 and < 0xF900));

    [GeneratedRegex(@"(\d+\s+)?begin(?<kind>bfchar|bfrange)(?<entries>.*?)end\k<kind>", RegexOptions.Singleline)]
    private static partial Regex Section();

    [GeneratedRegex("<[^<>]*>\\s*<(?<text>[^<>]*)>")]
    private static partial Regex Character();

    [GeneratedRegex("<(?<first>[^<>]*)>\\s*<(?<last>[^<>]*)>\\s*(<(?<text>[^<>]*)>|\\[[^\\]]*\\])")]
    private static partial Regex Range();
}
