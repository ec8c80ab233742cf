using UglyToad.PdfPig;
using UglyToad.PdfPig.Parser.Parts;
using UglyToad.PdfPig.Tokenization.Scanner;
using UglyToad.PdfPig.Tokens;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>What annotations say that page content does not: values of form fields, and text put on a page.</summary>
internal static class PdfForm
{
    private const int DeepestField = 20;

    /// <summary>Hidden, or not to be shown on a screen (ISO 32000-1, table 165).</summary>
    private const int HiddenFlags = 2 | 32;

    /// <summary>A button that only does something (table 226), and a field that holds a password (table 228).</summary>
    private const int PushButton = 1 << 16, Password = 1 << 13;

    /// <summary>An annotation's text; null where it has none to show.</summary>
    public static string? Text(DictionaryToken annotation, IPdfTokenScanner scanner)
    {
        if (((int)Number(annotation, "F", scanner) & HiddenFlags) != 0) return null;
        int flags = (int)Number(annotation, "Ff", scanner);
        return (Name(annotation, "Subtype", scanner), Name(annotation, "FT", scanner)) switch
        {
            ("FreeText", _) => String(Find(annotation, "Contents", scanner), scanner),
            ("Widget", "Tx") when (flags & Password) == 0 => String(Find(annotation, "V", scanner), scanner),
            ("Widget", "Ch") => Chosen(annotation, scanner),
            ("Widget", "Btn") when (flags & PushButton) == 0 => IsOn(annotation, scanner) ? "[x]" : "[ ]",
            _ => null,
        };
    }

    private static bool IsOn(DictionaryToken button, IPdfTokenScanner scanner) =>
        (Name(button, "AS", scanner) ?? Name(button, "V", scanner)) is not (null or "Off");

    /// <summary>
    /// The chosen options as they are shown: an option may be a pair of the value that is sent and the one that is shown.
    /// </summary>
    private static string Chosen(DictionaryToken field, IPdfTokenScanner scanner)
    {
        var shown = new Dictionary<string, string?>();
        foreach (IToken option in (Find(field, "Opt", scanner) as ArrayToken)?.Data ?? [])
        {
            if (DirectObjectFinder.TryGet(option, scanner, out ArrayToken? pair) && pair.Length == 2
                && String(pair.Data[0], scanner) is { } sent)
                shown[sent] = String(pair.Data[1], scanner);
        }

        IToken? value = Find(field, "V", scanner);
        IReadOnlyList<IToken> chosen = value is ArrayToken many ? many.Data : value is null ? [] : [value];
        return string.Join(", ", chosen.Select(one => String(one, scanner)).OfType<string>()
            .Select(one => shown.GetValueOrDefault(one) ?? one));
    }

    /// <summary>An entry of a field, or of the one it is a part of.</summary>
    private static IToken? Find(DictionaryToken field, string key, IPdfTokenScanner scanner)
    {
        DictionaryToken? at = field;
        for (int depth = 0; at is not null && depth < DeepestField; depth++)
        {
            if (at.TryGet(NameToken.Create(key), out IToken found))
                return DirectObjectFinder.TryGet(found, scanner, out IToken? value) ? value : null;

            at = at.TryGet(NameToken.Parent, scanner, out DictionaryToken? parent) ? parent : null;
        }

        return null;
    }

    private static string? Name(DictionaryToken field, string key, IPdfTokenScanner scanner) =>
        (Find(field, key, scanner) as NameToken)?.Data;

    private static double Number(DictionaryToken field, string key, IPdfTokenScanner scanner) =>
        (Find(field, key, scanner) as NumericToken)?.Double ?? 0;

    private static string? String(IToken? token, IPdfTokenScanner scanner) =>
        token is not null && DirectObjectFinder.TryGet(token, scanner, out IDataToken<string>? text) ? text.Data : null;
}
