using UglyToad.PdfPig;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Parser.Parts;
using UglyToad.PdfPig.Tokenization.Scanner;
using UglyToad.PdfPig.Tokens;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>Which layers (optional content, ISO 32000-1, 8.11) are not shown when the file is opened.</summary>
internal sealed class PdfLayers
{
    private readonly HashSet<IndirectReference> _hidden = [];
    private readonly IPdfTokenScanner _scanner;

    /// <summary>Takes up the default configuration of a file's catalog.</summary>
    public PdfLayers(IPdfTokenScanner scanner, DictionaryToken catalog)
    {
        _scanner = scanner;
        if (catalog.TryGet(NameToken.Create("OCProperties"), _scanner, out DictionaryToken? layers)
            && layers.TryGet(NameToken.D, _scanner, out DictionaryToken? shown))
        {
            if (shown.TryGet(NameToken.Create("BaseState"), _scanner, out NameToken? state) && state.Data == "OFF")
            {
                _hidden.UnionWith(Groups(layers, "OCGs"));
                _hidden.ExceptWith(Groups(shown, "ON"));
            }

            _hidden.UnionWith(Groups(shown, "OFF"));
        }
    }

    /// <summary>Whether what belongs to a layer by its entry OC is hidden.</summary>
    public bool Hides(DictionaryToken owner) => owner.TryGet(NameToken.Create("OC"), out IToken layer) && IsHidden(layer);

    /// <summary>Whether a layer is hidden: a group itself, or a membership of groups that are hidden by its rule.</summary>
    public bool IsHidden(IToken layer)
    {
        bool isHidden = layer is IndirectReferenceToken group && _hidden.Contains(group.Data);
        if (isHidden || _hidden.Count == 0 || !DirectObjectFinder.TryGet(layer, _scanner, out DictionaryToken? membership)) return isHidden;
        List<bool> hidden = [.. Groups(membership, "OCGs").Select(_hidden.Contains)];
        string rule = membership.TryGet(NameToken.P, _scanner, out NameToken? name) ? name.Data : "AnyOn";
        return hidden.Count > 0 && rule switch
        {
            "AllOn" => hidden.Contains(true),
            "AnyOff" => !hidden.Contains(true),
            "AllOff" => hidden.Contains(false),
            _ => !hidden.Contains(false),
        };
    }

    /// <summary>The groups that an entry lists, or the one that it is.</summary>
    private IEnumerable<IndirectReference> Groups(DictionaryToken owner, string key)
    {
        IReadOnlyList<IToken> entries = owner.TryGet(NameToken.Create(key), _scanner, out ArrayToken? array) ? array.Data
            : owner.TryGet(NameToken.Create(key), out IToken one) ? [one] : [];
        return entries.OfType<IndirectReferenceToken>().Select(entry => entry.Data);
    }
}
